/* SPDX-License-Identifier: ISC */
/* The steps, done. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/config/milters.h"
#include "purge/setup/setup.h"
#include "purge/setup/setup_edit.h"
#include "purge/setup/setup_file.h"
#include "purge/setup/setup_units.h"

#define TIMEOUT    (30 * USEC_PER_SEC)
#define OUTPUT_MAX ((size_t)1 << 16)

/* ---- user */

static int make_user(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *argv[] = {"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home",
	    "--home-dir", step->after, "--shell", "/usr/sbin/nologin", "--comment",
	    "pqpurge index daemon", "--", step->subject, NULL};
	struct strbuf out = {0};
	int code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, &out, err);

	strbuf_release(&out);
	if (code != 0)
		return code > 0 ? ERR_CHILD : code;
	strlist_push(&setup->record.users, step->subject, strlen(step->subject));
	return 0;
}

/* ---- directories */

/* Given away by its descriptor: whoever takes the name's place meanwhile gains nothing. */
static int give(
    const char *path, const struct passwd *pw, gid_t group, mode_t mode, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int code = 0;

	if (fd < 0 || fchown(fd, pw->pw_uid, group) < 0 || fchmod(fd, mode) < 0)
		code = err_sys(err, errno, "failed to give directory '%s' away", path);
	io_close(&fd);
	return code;
}

static int make_directory(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const struct settings *settings = &setup->s->settings;
	const struct passwd *pw = getpwnam(settings->user);
	const struct group *gr = getgrnam(settings->socket_group);

	if (!pw || !gr)
		return err_set(err, ERR_CONFIG, "there is no user %s or no group %s",
		    settings->user, settings->socket_group);
	if (mkdir(step->subject, 0700) < 0)
		return err_sys(err, errno, "failed to make directory '%s'", step->subject);
	strlist_push(&setup->record.directories, step->subject, strlen(step->subject));
	return give(step->subject, pw, step->at == SETUP_SOCKET ? gr->gr_gid : pw->pw_gid,
	    setup_directory_modes[step->at], err);
}

/* Nobody listens on a socket that a daemon left behind when it was killed. */
static void remove_dead_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
	io_close(&fd);
}

static int remove_directory(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *socket = milter_path(setup->s->settings.socket);

	if (socket)
		remove_dead_socket(socket);
	if (rmdir(step->subject) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return err_set(err, -ENOTEMPTY,
		    "directory '%s' is not empty; stop the daemon first", step->subject);
	return err_sys(err, errno, "failed to remove directory '%s'", step->subject);
}

/* ---- the settings file */

/* Whether the settings say what was planned. */
static bool is_as_planned(const struct setup *setup, const struct settings *settings)
{
	if (setup->conf_lines[SETUP_LINE_ORIGIN].known &&
	    strcmp(settings->origin, setup->postfix.myorigin) != 0)
		return false;
	return strcmp(settings->index_directory, setup->index_directory) == 0 &&
	       strcmp(settings->state_directory, setup->state_directory) == 0;
}

/* It must mean what was wanted, or it becomes what it was. */
static int check_conf(const struct setup *setup, struct err *err)
{
	const struct strbuf *before = &setup->conf_before;
	struct settings settings;
	int code = settings_load(setup->conf, &settings, err);

	if (code == 0) {
		if (!setup->s->options.remove && !is_as_planned(setup, &settings))
			code = err_set(err, ERR_CONFIG,
			    "'%s' does not take what was to be set in it; set it yourself",
			    setup->conf);
		settings_release(&settings);
	}
	if (code < 0 &&
	    setup_file_replace(setup->conf, strbuf_text(before), before->len, 0644, NULL) < 0)
		return err_within(err, code, "'%s' was left changed", setup->conf);
	return code;
}

static int make_conf_directory(const char *conf, struct err *err)
{
	char directory[PATH_MAX];
	char *slash;

	snprintf(directory, sizeof(directory), "%s", conf);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "failed to make directory '%s'", directory);
	return 0;
}

/* A file that setup made goes again. */
static int restore_conf(struct setup *setup, struct err *err)
{
	const struct strbuf *text = &setup->conf_after;
	int code;

	if (text->len == 0)
		return unlink(setup->conf) == 0
			   ? 0
			   : err_sys(err, errno, "failed to remove '%s'", setup->conf);
	if (setup_record_untouched(setup->record_path, "pqpurge.conf", setup->conf))
		code = setup_record_restore(setup->record_path, "pqpurge.conf", setup->conf, err);
	else
		code = setup_file_replace(setup->conf, strbuf_text(text), text->len, 0644, err);
	return code < 0 ? code : check_conf(setup, err);
}

static bool copy_line(const struct setup_line *from, struct setup_line *to)
{
	to->known = true;
	to->was_there = from->was_there;
	strbuf_clear(&to->before);
	strbuf_clear(&to->after);
	strbuf_puts(&to->before, strbuf_text(&from->before));
	strbuf_puts(&to->after, strbuf_text(&from->after));
	return !to->before.failed && !to->after.failed;
}

/* All lines at once, at the first step that wants one. */
static int change_conf(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *path = setup->record_path;
	bool kept = true;
	int code;

	(void)step;
	if (setup->wrote_conf)
		return 0;
	setup->wrote_conf = true;
	if (setup->s->options.remove)
		return restore_conf(setup, err);
	for (int n = SETUP_CONF_LINES; n < SETUP_LINES; n++)
		if (setup->conf_lines[n].known)
			kept &= copy_line(&setup->conf_lines[n], &setup->record.lines[n]);
	code = kept ? make_conf_directory(setup->conf, err)
		    : err_sys(err, ENOMEM, "failed to keep what is done");
	if (code == 0)
		code = setup_record_save(path, &setup->record, err);
	if (code == 0)
		code = setup_record_keep(path, "pqpurge.conf", "before", setup->conf, err);
	if (code == 0)
		code = setup_file_replace(
		    setup->conf, strbuf_text(&setup->conf_after), setup->conf_after.len, 0644, err);
	if (code == 0)
		code = check_conf(setup, err);
	return code < 0 ? code : setup_record_keep(path, "pqpurge.conf", "after", setup->conf, err);
}

/* ---- units */

static int systemctl(const char *const *words, const char *unit, struct err *err)
{
	int code = setup_systemctl(words, unit, err);

	if (code > 0)
		return err_within(err, ERR_CHILD, "%s", unit ? unit : "systemd");
	return code;
}

static int start_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	static const char *const reload[] = {"daemon-reload", NULL};
	static const char *const enable[] = {"enable", "--now", NULL};
	bool was_enabled;
	int code = systemctl(reload, NULL, err);

	if (code < 0)
		return code;
	was_enabled = setup_unit_is_enabled(step->subject);
	code = systemctl(enable, step->subject, err);
	if (!was_enabled && setup_unit_is_enabled(step->subject))
		strlist_push(&setup->record.units, step->subject, strlen(step->subject));
	return code;
}

static int restart_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	static const char *const words[] = {"restart", NULL};

	(void)setup;
	return systemctl(words, step->subject, err);
}

static int stop_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	static const char *const words[] = {"disable", "--now", NULL};

	(void)setup;
	return systemctl(words, step->subject, err);
}

/* ---- main.cf */

/* On record, and not because of a write that failed and left the list as it was. */
static bool was_written(const struct wiring_list *list, const struct setup_line *line)
{
	return line->known &&
	       (list->was_set != line->was_there ||
		   strcmp(strbuf_text(&list->before), strbuf_text(&line->before)) != 0);
}

/* Before the first change: what was there. After one of somebody else's: nothing to restore. */
static int note_list(
    struct setup *setup, const struct wiring_list *list, struct setup_line *line, struct err *err)
{
	bool again = was_written(list, line);
	bool untouched = again && list->was_set &&
			 strcmp(strbuf_text(&list->before), strbuf_text(&line->after)) == 0;

	if (!again || untouched) {
		if (!again) {
			line->was_there = list->was_set;
			strbuf_clear(&line->before);
			strbuf_puts(&line->before, strbuf_text(&list->before));
		}
		line->known = true;
		strbuf_clear(&line->after);
		strbuf_puts(&line->after, strbuf_text(&list->after));
	} else {
		strbuf_release(&line->before);
		strbuf_release(&line->after);
		*line = (struct setup_line){0};
	}
	if (line->before.failed || line->after.failed)
		return err_sys(err, ENOMEM, "failed to keep what is done");
	return setup_record_save(setup->record_path, &setup->record, err);
}

static const int list_lines[WIRING_LISTS] = {SETUP_LINE_SMTPD, SETUP_LINE_NON_SMTPD};

/* Whether setup has not changed main.cf yet, in this run or an earlier one. */
static bool is_first_write(const struct setup *setup)
{
	bool first = !setup->wrote_main_cf;

	for (size_t n = 0; n < WIRING_LISTS; n++)
		first = first &&
			!was_written(&setup->wiring.lists[n], &setup->record.lines[list_lines[n]]);
	return first;
}

static int write_list(struct setup *setup, size_t at, const char *main_cf, struct err *err)
{
	const char *path = setup->record_path;
	const struct wiring_list *list = &setup->wiring.lists[at];
	struct wiring one = {.lists = {*list, {.name = list->name}}};
	bool first = is_first_write(setup);
	int code = note_list(setup, list, &setup->record.lines[list_lines[at]], err);

	if (code < 0)
		return code;
	/* Copies of the whole file help as long as only setup has changed it. */
	if (first)
		code = setup_record_keep(path, "main.cf", "before", main_cf, err);
	else if (!setup_record_untouched(path, "main.cf", main_cf))
		setup_record_forget(path, "main.cf");
	if (code == 0)
		code = setup_edit(&setup->postfix, main_cf, &one, err);
	setup->wrote_main_cf |= code == 0;
	if (code == 0 && setup_record_kept(path, "main.cf", "before"))
		code = setup_record_keep(path, "main.cf", "after", main_cf, err);
	return code;
}

static int unwrite_list(struct setup *setup, size_t at, const char *main_cf, struct err *err)
{
	struct wiring one = {.lists = {setup->wiring.lists[at], {.name = ""}}};
	int code;

	if (!setup->restores_main_cf)
		return setup_edit(&setup->postfix, main_cf, &one, err);
	if (setup->restored_main_cf)
		return 0;
	if (!setup_record_untouched(setup->record_path, "main.cf", main_cf))
		return err_set(err, ERR_STALE, "'%s' was changed meanwhile; begin again", main_cf);
	code = setup_record_restore(setup->record_path, "main.cf", main_cf, err);
	setup->restored_main_cf = code >= 0;
	return code;
}

static int change_list(struct setup *setup, const struct setup_step *step, struct err *err)
{
	struct strbuf main_cf = {0};
	int code;

	strbuf_printf(&main_cf, "%s/main.cf", setup->postfix.config_directory);
	code = (setup->s->options.remove ? unwrite_list : write_list)(
	    setup, step->at, strbuf_text(&main_cf), err);
	strbuf_release(&main_cf);
	return code;
}

static int reload_postfix(struct setup *setup, const struct setup_step *step, struct err *err)
{
	int code = wiring_reload(&setup->postfix, err);

	(void)step;
	return code < 0 ? code : 0;
}

/* ---- */

int setup_do(struct setup *setup, const struct setup_step *step, struct err *err)
{
	static int (*const doers[])(struct setup *, const struct setup_step *, struct err *) = {
	    [SETUP_USER] = make_user,
	    [SETUP_MAKE_DIRECTORY] = make_directory,
	    [SETUP_CONF] = change_conf,
	    [SETUP_START] = start_unit,
	    [SETUP_RESTART] = restart_unit,
	    [SETUP_STOP] = stop_unit,
	    [SETUP_LIST] = change_list,
	    [SETUP_RELOAD] = reload_postfix,
	    [SETUP_REMOVE_DIRECTORY] = remove_directory,
	};
	int code = doers[step->kind](setup, step, err);

	if (setup->s->options.remove)
		return code;
	/* Also what was half done, such as a unit that is enabled and does not start. */
	int saved = make_conf_directory(setup->conf, code < 0 ? NULL : err);
	if (saved == 0)
		saved =
		    setup_record_save(setup->record_path, &setup->record, code < 0 ? NULL : err);
	return code < 0 ? code : saved < 0 ? saved : 0;
}
