/* SPDX-License-Identifier: ISC */
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/config/milters.h"
#include "purge/setup/setup.h"
#include "purge/setup/setup_file.h"
#include "purge/setup/setup_units.h"

#define TIMEOUT    (30 * USEC_PER_SEC)
#define OUTPUT_MAX ((size_t)1 << 16)

/* the name of conf/'s files in sysusers.d and tmpfiles.d */
#define INSTALLED "pqpurge.conf"

static void note_made(struct setup *setup, const char *kind, const char *subject)
{
	char line[PATH_MAX + 16];

	snprintf(line, sizeof(line), "%s %s", kind, subject);
	strlist_push(&setup->made, line, strlen(line));
}

static int run(const char *const argv[], struct err *err)
{
	AUTO(strbuf_release) struct strbuf out = {0};
	int code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, NULL, &out, err);

	return code > 0 ? ERR_CHILD : code;
}

/* The user and the directories: by our sysusers.d and tmpfiles.d, otherwise by hand. */
static int make_user(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *user = step->subject;
	const char *const by_file[] = {"/usr/bin/systemd-sysusers", INSTALLED, NULL};
	const char *const by_hand[] = {"/usr/sbin/useradd", "--system", "--user-group",
	    "--no-create-home", "--home-dir", step->after, "--shell", "/usr/sbin/nologin",
	    "--comment", "pqpurge index daemon", user, NULL};
	int code = -ENOENT;

	if (strcmp(user, "pqpurge") == 0)
		code = run(by_file, NULL);
	if (code < 0 || !getpwnam(user))
		code = run(by_hand, err);
	if (code == 0)
		note_made(setup, "user", user);
	return code;
}

/* words: "MODE OWNER GROUP" */
static int make_by_hand(const char *path, const char *words, struct err *err)
{
	char owner[128] = "", group[128] = "";
	unsigned mode = 0;
	bool known = sscanf(words, "%o %127s %127s", &mode, owner, group) == 3;
	const struct passwd *pw = known ? getpwnam(owner) : NULL;
	const struct group *gr = known ? getgrnam(group) : NULL;
	AUTO(io_close) int fd = -1;

	if (!pw || !gr)
		return err_set(err, ERR_CONFIG, "there is no user or no group of '%s'", words);
	if (mkdir(path, 0700) < 0 ||
	    (fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
	    fchown(fd, pw->pw_uid, gr->gr_gid) < 0 || fchmod(fd, mode) < 0)
		return err_sys(err, errno, "failed to make directory '%s'", path);
	return 0;
}

/* The file names the default owners. */
static bool may_use_tmpfiles(const struct setup *setup)
{
	const struct settings *settings = &setup->s->settings;

	return strcmp(settings->user, "pqpurge") == 0 &&
	       strcmp(settings->socket_group, "postfix") == 0;
}

static int make_directory(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *path = step->subject;
	AUTO(strbuf_release) struct strbuf prefix = {0};
	struct stat st;
	int code = 0;

	strbuf_printf(&prefix, "--prefix=%s", path);
	const char *const by_file[] = {
	    "/usr/bin/systemd-tmpfiles", "--create", strbuf_text(&prefix), INSTALLED, NULL};
	if (prefix.failed || !may_use_tmpfiles(setup) || run(by_file, NULL) < 0 ||
	    stat(path, &st) < 0)
		code = make_by_hand(path, step->after, err);
	if (code == 0)
		note_made(setup, "directory", path);
	return code;
}

/* A killed daemon leaves a socket on which nobody listens. */
static void remove_dead_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path) + 1);
	AUTO(io_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(path);
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

/* A file that did not exist before setup is removed. */
static int replace(const struct setup_text *text, const struct strbuf *by, struct err *err)
{
	if (by->len > 0)
		return setup_file_replace(text->path, by, 0644, err);
	if (unlink(text->path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "failed to remove '%s'", text->path);
	return 0;
}

static bool is_stale(const struct setup_text *text)
{
	AUTO(strbuf_release) struct strbuf now = {0};
	return setup_file_read(text->path, &now, NULL) < 0 ||
	       strcmp(strbuf_text(&now), strbuf_text(&text->before)) != 0;
}

/* All changes of a file at once, at the first step that needs one. */
static int write_text(struct setup *setup, struct setup_text *text, struct err *err)
{
	bool removes = setup->s->options.remove;
	int code = 0;

	if (text->written)
		return 0;
	if (is_stale(text))
		return err_set(
		    err, ERR_STALE, "'%s' was changed meanwhile; start again", text->path);
	if (!removes)
		code = setup_record_begin(setup->record_path, text, err);
	code = code ?: replace(text, &text->after, err);
	text->written = code == 0;
	return code < 0 || removes ? code : setup_record_end(setup->record_path, text, err);
}

static int check_conf(const struct setup *setup, struct err *err)
{
	struct settings settings;
	int code = settings_load(setup->conf.path, &settings, err);

	if (code < 0)
		return code;
	if ((setup->sets_origin && strcmp(settings.origin, setup->postfix.myorigin) != 0) ||
	    strcmp(settings.index_directory, setup->index_directory) != 0 ||
	    strcmp(settings.state_directory, setup->state_directory) != 0)
		code = err_set(err, ERR_CONFIG,
		    "the new setting in '%s' has no effect; set it yourself", setup->conf.path);
	settings_release(&settings);
	return code;
}

/* Restores the old settings if the new ones are wrong. */
static int change_conf(struct setup *setup, const struct setup_step *step, struct err *err)
{
	bool first = !setup->conf.written;
	int code = write_text(setup, &setup->conf, err);

	(void)step;
	if (code < 0 || !first)
		return code;
	code = check_conf(setup, err);
	if (code < 0 && replace(&setup->conf, &setup->conf.before, NULL) < 0)
		return err_within(err, code, "'%s' stays changed", setup->conf.path);
	return code;
}

static int restore_conf(struct setup *setup, const struct setup_step *step, struct err *err)
{
	(void)step;
	return write_text(setup, &setup->conf, err);
}

static int change_list(struct setup *setup, const struct setup_step *step, struct err *err)
{
	(void)step;
	return write_text(setup, &setup->main_cf, err);
}

static int reload_postfix(struct setup *setup, const struct setup_step *step, struct err *err)
{
	int code = wiring_reload(&setup->postfix, err);

	(void)step;
	return code < 0 ? code : 0;
}

static int start_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	const char *unit = step->subject;
	int code = setup_systemctl("daemon-reload", NULL, NULL, err);

	if (code < 0)
		return code;
	bool was_enabled = setup_unit_is_enabled(unit);
	code = setup_systemctl("enable", "--now", unit, err);
	if (!was_enabled && setup_unit_is_enabled(unit))
		note_made(setup, "unit", unit);
	return code;
}

static int restart_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	(void)setup;
	return setup_systemctl("restart", NULL, step->subject, err);
}

static int stop_unit(struct setup *setup, const struct setup_step *step, struct err *err)
{
	(void)setup;
	return setup_systemctl("disable", "--now", step->subject, err);
}

/* The first setup of an instance may also have to make /etc/pqpurge. */
static int save_record(struct setup *setup, struct err *err)
{
	char directory[PATH_MAX], *slash;

	snprintf(directory, sizeof(directory), "%s", setup->conf.path);
	slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = '\0';
		if (mkdir(directory, 0755) < 0 && errno != EEXIST)
			return err_sys(err, errno, "failed to make directory '%s'", directory);
	}
	return setup_record_save(setup->record_path, &setup->made, err);
}

const struct setup_row setup_rows[] = {
    [SETUP_USER] = {"make_user", "make the system user %s", make_user},
    [SETUP_MAKE_DIRECTORY] = {"make_directory", "make the directory %s", make_directory},
    [SETUP_CONF] = {"conf", NULL, change_conf},
    [SETUP_RESTORE_CONF] = {"restore_conf", "put %s back as it was", restore_conf},
    [SETUP_START] = {"start", "enable and start %s", start_unit},
    [SETUP_RESTART] = {"restart", "restart %s", restart_unit},
    [SETUP_STOP] = {"stop", "stop and disable %s", stop_unit},
    [SETUP_LIST] = {"list", NULL, change_list},
    [SETUP_RELOAD] = {"reload", "reload Postfix (%s) if it runs", reload_postfix},
    [SETUP_REMOVE_DIRECTORY] = {"remove_directory", "remove the directory %s", remove_directory},
};

int setup_do(struct setup *setup, const struct setup_step *step, struct err *err)
{
	int code = setup->s->options.remove ? 0 : save_record(setup, err), saved;

	code = code ?: setup_rows[step->kind].carry_out(setup, step, err);
	if (setup->s->options.remove)
		return code;
	/* also after a failure: a unit may be enabled and not start */
	saved = save_record(setup, code < 0 ? NULL : err);
	return code < 0 ? code : saved;
}
