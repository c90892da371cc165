/* SPDX-License-Identifier: ISC */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>

#include "postfix/config/milters.h"
#include "purge/interrupt.h"
#include "purge/setup/setup.h"
#include "purge/setup/setup_file.h"
#include "purge/setup/setup_units.h"

#define DEFAULT_INDEX "/run/pqpurge"
#define DEFAULT_STATE "/var/lib/pqpurge"

static char *copy(const char *text, bool *failed)
{
	char *copied = text ? strdup(text) : NULL;

	*failed |= text && !copied;
	return copied;
}

static void add_step(struct setup *setup, enum setup_kind kind, const char *subject,
    const char *before, const char *after)
{
	if (setup->step_count == SETUP_STEPS_MAX)
		setup->failed = true;
	else
		setup->steps[setup->step_count++] = (struct setup_step){.kind = kind,
		    .subject = copy(subject, &setup->failed),
		    .before = copy(before, &setup->failed),
		    .after = copy(after, &setup->failed)};
}

static void FORMAT(2, 3) add_note(struct setup *setup, const char *format, ...)
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
	strbuf_release(&setup->made);
	wiring_release(&setup->wiring);
	strbuf_release(&setup->conf.before);
	strbuf_release(&setup->conf.after);
	strbuf_release(&setup->main_cf.before);
	strbuf_release(&setup->main_cf.after);
	strbuf_release(&setup->notes);
	*setup = (struct setup){0};
}

static int read_text(struct setup_text *text, const char *name, struct err *err)
{
	int code = setup_file_read(text->path, &text->before, err);

	text->name = name;
	strbuf_puts(&text->after, strbuf_text(&text->before));
	return code < 0 ? code : 0;
}

/* Absolute, for notes and units. A missing file keeps the name it was given. */
static int find_conf(struct setup *setup, struct err *err)
{
	const char *conf = session_config(setup->s);
	AUTO(free_local) char *real = conf ? realpath(conf, NULL) : NULL;

	if (!conf || strcmp(conf, SETTINGS_DEFAULT_FILE) == 0)
		snprintf(setup->conf.path, PATH_MAX, SETTINGS_DEFAULT_FILE);
	else
		snprintf(setup->conf.path, PATH_MAX, "%s", real ? real : conf);
	if (strlen(setup->conf.path) > PATH_MAX - 64) /* names in the record are longer */
		return err_set(err, ERR_LIMIT, "the path '%s' is too long", setup->conf.path);
	snprintf(setup->record_path, PATH_MAX, "%.*s.undo", PATH_MAX - 64, setup->conf.path);
	return 0;
}

static int open_all(struct setup *setup, const struct session *s, struct err *err)
{
	setup->s = s;
	int code = postfix_read(s->settings.postfix_config_directory, &setup->postfix, err);
	code = code ?: find_conf(setup, err);
	code = code ?: read_text(&setup->conf, "pqpurge.conf", err);
	if (code < 0)
		return code;
	snprintf(setup->main_cf.path, PATH_MAX, "%s/main.cf", setup->postfix.config_directory);
	code = read_text(&setup->main_cf, "main.cf", err);
	code = code ?: setup_record_load(setup->record_path, &setup->made, err);
	return code < 0 ? code : 0;
}

static void add_lists(struct setup *setup)
{
	bool changes = false;

	for (size_t n = 0; n < WIRING_LISTS; n++) {
		const struct wiring_list *list = &setup->wiring.lists[n];

		if (strcmp(strbuf_text(&list->before), strbuf_text(&list->after)) == 0)
			continue;
		add_step(setup, SETUP_LIST, list->name, list->before.len ? list->before.text : NULL,
		    list->after.len ? list->after.text : NULL);
		changes = true;
	}
	if (changes)
		add_step(setup, SETUP_RELOAD, setup->postfix.config_directory, NULL, NULL);
}

/* postconf(1) adds a line directly behind a last comment that has no newline. */
static void end_last_line(struct strbuf *text)
{
	if (text->len > 0 && text->text[text->len - 1] != '\n')
		strbuf_putc(text, '\n');
}

/* A signal waits until the private copy of main.cf is removed. */
static int edit_lists(struct setup *setup, bool joins, struct err *err)
{
	struct setup_text *text = &setup->main_cf;
	char *directory = NULL, path[PATH_MAX];
	sigset_t before;

	if (joins)
		end_last_line(&text->after);
	interrupt_hold(&before);
	int code = postfix_private_main(&text->after, &directory, err);

	code = code
		   ?: wiring_edit(&setup->postfix, directory, setup->s->settings.socket, joins,
			  &setup->wiring, err);
	if (code == 0) {
		snprintf(path, sizeof(path), "%s/main.cf", directory);
		code = setup_file_read(path, &text->after, err);
	}
	postfix_private_remove(directory);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code < 0 ? code : 0;
}

static int plan_user(struct setup *setup, struct err *err)
{
	const struct settings *settings = &setup->s->settings;

	if (!getgrnam(settings->socket_group))
		return err_set(err, ERR_CONFIG, "socket_group '%s': there is no such group",
		    settings->socket_group);
	if (!getpwnam(settings->user))
		add_step(setup, SETUP_USER, settings->user, NULL, setup->state_directory);
	return 0;
}

/* An existing directory stays as it is, but must be the daemon's. group NULL: the daemon's own. */
static int plan_directory(
    struct setup *setup, const char *path, const char *mode, const char *group, struct err *err)
{
	const char *user = setup->s->settings.user;
	const struct passwd *pw = getpwnam(user);
	const struct group *gr = pw ? getgrgid(pw->pw_gid) : NULL;
	struct stat st;
	char words[256];

	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_sys(err, errno, "failed to look at '%s'", path);
		if (!group)
			group = gr ? gr->gr_name : user; /* of a user who does not exist yet */
		snprintf(words, sizeof(words), "%s %s %s", mode, user, group);
		add_step(setup, SETUP_MAKE_DIRECTORY, path, NULL, words);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG, "'%s' is not a directory", path);
	if (!pw || st.st_uid != pw->pw_uid)
		return err_set(err, ERR_CONFIG,
		    "'%s' does not belong to user %s; if only pqpurge uses it: chown %s %s", path,
		    user, user, path);
	return 0;
}

static int plan_directories(struct setup *setup, struct err *err)
{
	const struct settings *settings = &setup->s->settings;
	const char *socket = milter_path(settings->socket), *slash;
	char directory[PATH_MAX];

	if (strcmp(setup->index_directory, setup->state_directory) == 0)
		return err_set(err, ERR_CONFIG,
		    "index_directory and state_directory are both '%s'; lasting data needs a "
		    "directory of its own",
		    setup->index_directory);
	int code = plan_directory(setup, setup->index_directory, "0750", NULL, err);
	code = code ?: plan_directory(setup, setup->state_directory, "0700", NULL, err);
	slash = socket ? strrchr(socket, '/') : NULL;
	if (code < 0 || !slash || slash == socket)
		return code;
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - socket), socket);
	return plan_directory(setup, directory, "2750", settings->socket_group, err);
}

static void plan_line(struct setup *setup, const char *key, const char *value)
{
	struct strbuf changed = {0};
	AUTO(strbuf_release) struct strbuf before = {0}, after = {0};

	setup_set_line(strbuf_text(&setup->conf.after), key, value, &changed, &before, &after);
	add_step(setup, SETUP_CONF, setup->conf.path, before.len ? before.text : NULL,
	    strbuf_text(&after));
	setup->failed |= changed.failed || before.failed || after.failed;
	strbuf_release(&setup->conf.after);
	setup->conf.after = changed;
}

static void plan_origin(struct setup *setup)
{
	const char *ours = setup->s->settings.origin, *origin = setup->postfix.myorigin;

	setup->sets_origin = !*ours && setup_is_plain(origin);
	if (setup->sets_origin)
		plan_line(setup, "origin", origin);
	else if (!*ours && *origin)
		add_note(setup,
		    "myorigin of Postfix is not a plain name; set origin in %s yourself",
		    setup->conf.path);
	else if (strcmp(ours, origin) != 0)
		add_note(setup, "origin in %s is \"%s\", while Postfix's myorigin is \"%s\"",
		    setup->conf.path, ours, origin);
}

/* A further instance gets its own directories instead of the default ones. */
static void plan_place(
    struct setup *setup, const char *key, const char *value, const char *usual, char *ret)
{
	char buf[200];
	const char *instance = setup_instance_of(setup->conf.path, buf, sizeof(buf));

	snprintf(ret, PATH_MAX, "%s", value);
	if (!instance || !setup_is_plain(instance) || strcmp(value, usual) != 0)
		return;
	snprintf(ret, PATH_MAX, "%s-%s", usual, instance);
	plan_line(setup, key, ret);
}

static void plan_units(struct setup *setup)
{
	bool restarts = strcmp(strbuf_text(&setup->conf.before), strbuf_text(&setup->conf.after));
	AUTO(strbuf_release) struct strbuf packed = {0};

	setup_units_of(setup->conf.path, setup->s->settings.socket, &packed);
	setup->failed |= packed.failed;
	struct strlist units = strlist_of(&packed);
	if (!setup_systemd_runs() || units.count == 0)
		add_note(setup, "%s; start the daemon yourself: pqpurge-milter -c %s%s",
		    setup_systemd_runs() ? "no unit belongs to this settings file"
					 : "systemd does not run here",
		    setup->conf.path, restarts ? " (restart it if it runs)" : "");
	else
		strlist_each (unit, &units) {
			if (!setup_unit_is_enabled(unit) || !setup_unit_is_active(unit))
				add_step(setup, SETUP_START, unit, NULL, NULL);
			else if (restarts && strstr(unit, ".service"))
				add_step(setup, SETUP_RESTART, unit, NULL, NULL);
		}
}

int setup_plan(struct setup *setup, const struct session *s, struct err *err)
{
	int code = open_all(setup, s, err);

	code = code ?: edit_lists(setup, true, err);
	if (code < 0)
		return code;
	plan_place(setup, "index_directory", s->settings.index_directory, DEFAULT_INDEX,
	    setup->index_directory);
	plan_place(setup, "state_directory", s->settings.state_directory, DEFAULT_STATE,
	    setup->state_directory);
	plan_origin(setup);
	code = plan_user(setup, err);
	code = code ?: plan_directories(setup, err);
	if (code < 0)
		return code;
	plan_units(setup);
	/* last, so that the daemon is up when Postfix first asks */
	add_lists(setup);
	return setup->failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}

/* The subject of a line of the record, or NULL if the line is of another kind. */
static const char *made(const char *line, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(line, kind, len) == 0 && line[len] == ' ' ? line + len + 1 : NULL;
}

static void plan_unit(struct setup *setup, const char *unit)
{
	if (!setup_systemd_runs())
		add_note(setup, "systemd does not run here: %s cannot be stopped", unit);
	else if (setup_unit_is_enabled(unit) || setup_unit_is_active(unit))
		add_step(setup, SETUP_STOP, unit, NULL, NULL);
}

static int plan_conf(struct setup *setup, struct err *err)
{
	int code = setup_record_restore(setup->record_path, &setup->conf, err);

	if (code > 0)
		add_step(setup, SETUP_RESTORE_CONF, setup->conf.path, NULL, NULL);
	else if (code == 0 && setup_record_changed(setup->record_path, &setup->conf))
		add_note(setup, "%s was changed meanwhile and stays", setup->conf.path);
	return code < 0 ? code : 0;
}

/* Rules, account and index stay until the admin removes them. */
static void plan_rest(struct setup *setup)
{
	const struct settings *settings = &setup->s->settings;
	struct strlist all = strlist_of(&setup->made);
	const char *what;
	struct stat st;

	strlist_each (line, &all)
		if ((what = made(line, "directory")) &&
		    strcmp(what, settings->index_directory) != 0 &&
		    strcmp(what, settings->state_directory) != 0 && lstat(what, &st) == 0)
			add_step(setup, SETUP_REMOVE_DIRECTORY, what, NULL, NULL);
		else if ((what = made(line, "user")))
			add_note(setup, "user %s stays; to remove it: userdel %s", what, what);
	if (stat(settings->state_directory, &st) == 0)
		add_note(setup, "index, rules and account stay; to remove them: rm -r %s %s",
		    settings->index_directory, settings->state_directory);
}

/* If nobody else has changed main.cf since setup, it gets its old content back, byte for byte.
 * Otherwise only the daemon's entry leaves its lists. */
int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err)
{
	const char *unit;
	int code = open_all(setup, s, err);

	code = code ?: edit_lists(setup, false, err);
	code = code ?: setup_record_restore(setup->record_path, &setup->main_cf, err);
	if (code < 0)
		return code;
	add_lists(setup);
	struct strlist all = strlist_of(&setup->made);
	strlist_each (line, &all)
		if ((unit = made(line, "unit")))
			plan_unit(setup, unit);
	code = plan_conf(setup, err);
	plan_rest(setup);
	if (code < 0)
		return code;
	return setup->failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}
