/* SPDX-License-Identifier: ISC */
/* The steps, done. */
#include <errno.h>
#include <fcntl.h>
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

/* ---- user and directories */

static int run(const char *const argv[], struct err *err)
{
	struct strbuf out = {0};
	int code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, &out, err);

	strbuf_release(&out);
	return code > 0 ? ERR_CHILD : code;
}

/* As our sysusers.d file has it. */
static int make_user(struct setup *setup, const struct setup_step *step, struct err *err)
{
	struct strbuf line = {0};
	int code;

	strbuf_printf(&line, "u %s - \"pqpurge index daemon\" %s", step->subject, step->after);
	const char *argv[] = {"/usr/bin/systemd-sysusers", "--inline", strbuf_text(&line), NULL};
	code = line.failed ? err_sys(err, ENOMEM, "failed to make user %s", step->subject)
			   : run(argv, err);
	strbuf_release(&line);
	if (code == 0)
		strlist_push(&setup->record.users, step->subject, strlen(step->subject));
	return code;
}

static int make_directory(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *path = step->subject;
	struct strbuf file = {0}, line = {0};
	int code;

	if (!setup_is_plain(path) || strchr(path, '%'))
		return err_set(err, ERR_CONFIG, "'%s' is no plain path; make it yourself", path);
	strbuf_printf(&file, "%s/tmpfiles", setup->record_path);
	strbuf_printf(&line, "d %s %s\n", path, step->after);
	const char *argv[] = {"/usr/bin/systemd-tmpfiles", "--create", strbuf_text(&file), NULL};
	code = file.failed || line.failed
		   ? err_sys(err, ENOMEM, "failed to make directory '%s'", path)
		   : setup_file_replace(file.text, line.text, line.len, 0600, err);
	if (code == 0)
		code = run(argv, err);
	unlink(strbuf_text(&file));
	strbuf_release(&file);
	strbuf_release(&line);
	if (code == 0)
		strlist_push(&setup->record.directories, path, strlen(path));
	return code;
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
	if (setup->sets_origin && strcmp(settings->origin, setup->postfix.myorigin) != 0)
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
		if (!is_as_planned(setup, &settings))
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

/* All lines at once, at the first step that wants one. */
static int change_conf(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const struct strbuf *text = &setup->conf_after;
	int code;

	if (setup->wrote_conf)
		return 0;
	setup->wrote_conf = true;
	code = setup_record_begin(setup->record_path, "pqpurge.conf", step->subject, err);
	if (code == 0)
		code = setup_file_replace(step->subject, strbuf_text(text), text->len, 0644, err);
	if (code == 0)
		code = check_conf(setup, err);
	return code < 0 ? code
			: setup_record_end(setup->record_path, "pqpurge.conf", step->subject, err);
}

static int restore_conf(struct setup *setup, const struct setup_step *step, struct err *err)
{
	return setup_record_restore(setup->record_path, "pqpurge.conf", step->subject, err);
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

static int write_list(struct setup *setup, size_t at, const char *main_cf, struct err *err)
{
	struct wiring one = {.lists = {setup->wiring.lists[at], {.name = ""}}};
	int code = setup_record_begin(setup->record_path, "main.cf", main_cf, err);

	if (code == 0)
		code = setup_edit(&setup->postfix, main_cf, &one, err);
	return code < 0 ? code : setup_record_end(setup->record_path, "main.cf", main_cf, err);
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

static int save_record(struct setup *setup, struct err *err)
{
	int code = make_conf_directory(setup->conf, err);

	return code < 0 ? code : setup_record_save(setup->record_path, &setup->record, err);
}

int setup_do(struct setup *setup, const struct setup_step *step, struct err *err)
{
	static int (*const doers[])(struct setup *, const struct setup_step *, struct err *) = {
	    [SETUP_USER] = make_user,
	    [SETUP_MAKE_DIRECTORY] = make_directory,
	    [SETUP_CONF] = change_conf,
	    [SETUP_RESTORE_CONF] = restore_conf,
	    [SETUP_START] = start_unit,
	    [SETUP_RESTART] = restart_unit,
	    [SETUP_STOP] = stop_unit,
	    [SETUP_LIST] = change_list,
	    [SETUP_RELOAD] = reload_postfix,
	    [SETUP_REMOVE_DIRECTORY] = remove_directory,
	};
	int code = setup->s->options.remove ? 0 : save_record(setup, err), saved;

	if (code == 0)
		code = doers[step->kind](setup, step, err);
	if (setup->s->options.remove)
		return code;
	/* Also what was half done, such as a unit that is enabled and does not start. */
	saved = save_record(setup, code < 0 ? NULL : err);
	return code < 0 ? code : saved;
}
