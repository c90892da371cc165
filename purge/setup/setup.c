/* SPDX-License-Identifier: ISC */
/* What has to be done so that Postfix asks the daemon. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "postfix/config/milters.h"
#include "purge/setup/setup.h"
#include "purge/setup/setup_file.h"
#include "purge/setup/setup_units.h"

#define DEFAULT_INDEX "/run/pqpurge"
#define DEFAULT_STATE "/var/lib/pqpurge"

/* ---- a plan's parts */

static char *copy(const char *text, bool *failed)
{
	char *copied = text ? strdup(text) : NULL;

	*failed |= text && !copied;
	return copied;
}

void setup_add(struct setup *setup, enum setup_kind kind, const char *subject, const char *before,
    const char *after)
{
	struct setup_step *step = &setup->steps[setup->step_count];

	if (setup->step_count == SETUP_STEPS_MAX) {
		setup->failed = true;
		return;
	}
	*step = (struct setup_step){.kind = kind,
	    .subject = copy(subject, &setup->failed),
	    .before = copy(before, &setup->failed),
	    .after = copy(after, &setup->failed)};
	setup->step_count++;
}

void setup_note(struct setup *setup, const char *format, ...)
{
	char text[1024];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	strlist_push(&setup->notes, text, strlen(text));
}

void setup_release(struct setup *setup)
{
	for (size_t n = 0; n < setup->step_count; n++) {
		free(setup->steps[n].subject);
		free(setup->steps[n].before);
		free(setup->steps[n].after);
	}
	postfix_release(&setup->postfix);
	setup_record_release(&setup->record);
	wiring_release(&setup->wiring);
	strbuf_release(&setup->conf_before);
	strbuf_release(&setup->conf_after);
	strbuf_release(&setup->notes);
	*setup = (struct setup){0};
}

/* Absolute, so that notes and units fit; a file that is missing stays as it was named. */
static int find_conf(struct setup *setup, struct err *err)
{
	const char *conf = session_config(setup->s);
	char *real;

	if (!conf)
		conf = SETTINGS_DEFAULT_FILE;
	real = strcmp(conf, SETTINGS_DEFAULT_FILE) == 0 ? NULL : realpath(conf, NULL);
	snprintf(setup->conf, sizeof(setup->conf), "%s", real ? real : conf);
	free(real);
	if ((size_t)snprintf(setup->record_path, sizeof(setup->record_path), "%.*s.undo",
		(int)sizeof(setup->record_path) - 8, setup->conf) < strlen(setup->conf) + 5)
		return err_set(err, ERR_LIMIT, "'%s' is too long a path", setup->conf);
	return 0;
}

int setup_open(struct setup *setup, const struct session *s, struct err *err)
{
	int code;

	setup->s = s;
	code = postfix_read(s->settings.postfix_config_directory, &setup->postfix, err);
	if (code == 0)
		code = find_conf(setup, err);
	if (code == 0)
		code = setup_record_load(setup->record_path, &setup->record, err);
	return code < 0 ? code : 0;
}

void setup_add_lists(struct setup *setup)
{
	for (size_t n = 0; n < WIRING_LISTS; n++) {
		const struct wiring_list *list = &setup->wiring.lists[n];

		if (!wiring_list_changes(list))
			continue;
		setup_add(setup, SETUP_LIST, list->name,
		    list->was_set ? strbuf_text(&list->before) : NULL,
		    list->will_be_set ? strbuf_text(&list->after) : NULL);
		if (!setup->failed)
			setup->steps[setup->step_count - 1].at = n;
	}
	if (wiring_changes(&setup->wiring))
		setup_add(setup, SETUP_RELOAD, setup->postfix.config_directory, NULL, NULL);
}

/* ---- user and directories */

static int plan_user(struct setup *setup, struct err *err)
{
	const struct settings *settings = &setup->s->settings;

	if (!getgrnam(settings->socket_group))
		return err_set(err, ERR_CONFIG, "socket_group '%s': there is no such group",
		    settings->socket_group);
	if (!getpwnam(settings->user))
		setup_add(setup, SETUP_USER, settings->user, NULL, setup->state_directory);
	return 0;
}

/* One that is there stays as it is; it must be the daemon's. group: NULL is the daemon's own. */
static int plan_directory(
    struct setup *setup, const char *path, const char *mode, const char *group, struct err *err)
{
	const char *user = setup->s->settings.user;
	const struct passwd *pw = getpwnam(user);
	struct stat st;
	char words[256];

	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return err_set(err, ERR_CONFIG, "'%s' is no directory", path);
		if (pw && st.st_uid == pw->pw_uid)
			return 0;
		return err_set(err, ERR_CONFIG,
		    "'%s' does not belong to user %s; if it is meant for pqpurge alone: chown %s "
		    "%s",
		    path, user, user, path);
	}
	if (errno != ENOENT)
		return err_sys(err, errno, "failed to look at '%s'", path);
	const struct group *gr = pw ? getgrgid(pw->pw_gid) : NULL;
	if (!group)
		group = gr ? gr->gr_name : user; /* that of one who is yet to be made */
	snprintf(words, sizeof(words), "%s %s %s", mode, user, group);
	setup_add(setup, SETUP_MAKE_DIRECTORY, path, NULL, words);
	return 0;
}

static int plan_directories(struct setup *setup, struct err *err)
{
	const struct settings *settings = &setup->s->settings;
	const char *socket = milter_path(settings->socket);
	char directory[PATH_MAX];
	char *slash;
	int code;

	if (strcmp(setup->index_directory, setup->state_directory) == 0)
		return err_set(err, ERR_CONFIG,
		    "index_directory and state_directory are both '%s'; what must last needs a "
		    "directory of its own",
		    setup->index_directory);
	code = plan_directory(setup, setup->index_directory, "0700", NULL, err);
	if (code == 0)
		code = plan_directory(setup, setup->state_directory, "0700", NULL, err);
	if (code < 0 || !socket)
		return code;
	snprintf(directory, sizeof(directory), "%s", socket);
	slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return 0;
	*slash = '\0';
	return plan_directory(setup, directory, "2750", settings->socket_group, err);
}

/* ---- the settings file */

/* Changes one line of what the settings file will be. */
static int plan_line(struct setup *setup, const char *key, const char *value, struct err *err)
{
	bool first = setup->conf_after.len == 0;
	struct strbuf changed = {0}, before = {0}, after = {0};
	int code = first ? setup_file_read(setup->conf, &setup->conf_before, err) : 0;

	if (code < 0)
		return code;
	setup_set_line(strbuf_text(first ? &setup->conf_before : &setup->conf_after), key, value,
	    &changed, &before, &after);
	setup_add(
	    setup, SETUP_CONF, setup->conf, before.len ? before.text : NULL, strbuf_text(&after));
	setup->failed |= changed.failed || before.failed || after.failed;
	strbuf_release(&before);
	strbuf_release(&after);
	strbuf_release(&setup->conf_after);
	setup->conf_after = changed;
	return 0;
}

static int plan_origin(struct setup *setup, struct err *err)
{
	const char *ours = setup->s->settings.origin, *origin = setup->postfix.myorigin;

	if (*ours && strcmp(ours, origin) != 0)
		setup_note(setup, "origin in %s is \"%s\", while Postfix's myorigin is \"%s\"",
		    setup->conf, ours, origin);
	if (*ours || !*origin)
		return 0;
	setup->sets_origin = setup_is_plain(origin);
	if (setup->sets_origin)
		return plan_line(setup, "origin", origin, err);
	setup_note(
	    setup, "myorigin of Postfix is no plain name; set origin in %s yourself", setup->conf);
	return 0;
}

/* The settings file of a further instance gets directories of its own. */
static int plan_places(struct setup *setup, struct err *err)
{
	const struct settings *settings = &setup->s->settings;
	char buf[200];
	const char *instance = setup_instance_of(setup->conf, buf, sizeof(buf));
	int code = 0;

	snprintf(setup->index_directory, PATH_MAX, "%s", settings->index_directory);
	snprintf(setup->state_directory, PATH_MAX, "%s", settings->state_directory);
	if (!instance || !setup_is_plain(instance))
		return 0;
	if (strcmp(setup->index_directory, DEFAULT_INDEX) == 0) {
		snprintf(setup->index_directory, PATH_MAX, DEFAULT_INDEX "-%s", instance);
		code = plan_line(setup, "index_directory", setup->index_directory, err);
	}
	if (code == 0 && strcmp(setup->state_directory, DEFAULT_STATE) == 0) {
		snprintf(setup->state_directory, PATH_MAX, DEFAULT_STATE "-%s", instance);
		code = plan_line(setup, "state_directory", setup->state_directory, err);
	}
	return code;
}

/* ---- units */

static void plan_units(struct setup *setup)
{
	struct strbuf packed = {0};
	bool restarts = setup->conf_after.len > 0;

	setup_units_of(setup->conf, setup->s->settings.socket, &packed);
	setup->failed |= packed.failed;
	struct strlist units = strlist_of(&packed);
	if (!setup_systemd_runs() || units.count == 0) {
		setup_note(setup, "%s; start the daemon yourself: pqpurge-milter -c %s%s",
		    setup_systemd_runs() ? "no unit belongs to this settings file"
					 : "systemd does not run here",
		    setup->conf, restarts ? " (one that runs must be started anew)" : "");
		strbuf_release(&packed);
		return;
	}
	strlist_each (unit, &units) {
		if (!setup_unit_is_enabled(unit) || !setup_unit_is_active(unit))
			setup_add(setup, SETUP_START, unit, NULL, NULL);
		else if (restarts && strstr(unit, ".service"))
			setup_add(setup, SETUP_RESTART, unit, NULL, NULL);
	}
	strbuf_release(&packed);
}

int setup_plan(struct setup *setup, const struct session *s, struct err *err)
{
	int code = setup_open(setup, s, err);

	if (code == 0)
		code = wiring_join(&setup->postfix, s->settings.socket, &setup->wiring, err);
	if (code == 0)
		code = plan_places(setup, err);
	if (code == 0)
		code = plan_origin(setup, err);
	if (code == 0)
		code = plan_user(setup, err);
	if (code == 0)
		code = plan_directories(setup, err);
	if (code < 0)
		return code;
	plan_units(setup);
	/* Last, so that the daemon answers when Postfix asks for the first time. */
	setup_add_lists(setup);
	return setup->failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}
