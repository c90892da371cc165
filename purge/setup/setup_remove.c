/* SPDX-License-Identifier: ISC */
/* What has to be done so that all is as it was before setup. */
#include <errno.h>
#include <sys/stat.h>

#include "purge/setup/setup.h"
#include "purge/setup/setup_file.h"
#include "purge/setup/setup_units.h"

/* A list that nobody has changed since becomes what it was; from any other the daemon goes. */
static void take_back(struct wiring_list *list, const struct setup_line *line)
{
	if (!line->known || !list->was_set ||
	    strcmp(strbuf_text(&list->before), strbuf_text(&line->after)) != 0)
		return;
	list->will_be_set = line->was_there;
	strbuf_clear(&list->after);
	strbuf_puts(&list->after, strbuf_text(&line->before));
}

static int plan_lists(struct setup *setup, struct err *err)
{
	struct strbuf main_cf = {0};
	int code = wiring_leave(&setup->postfix, setup->s->settings.socket, &setup->wiring, err);

	if (code < 0)
		return code;
	take_back(&setup->wiring.lists[0], &setup->record.lines[SETUP_LINE_SMTPD]);
	take_back(&setup->wiring.lists[1], &setup->record.lines[SETUP_LINE_NON_SMTPD]);
	strbuf_printf(&main_cf, "%s/main.cf", setup->postfix.config_directory);
	setup->restores_main_cf =
	    setup_record_untouched(setup->record_path, "main.cf", strbuf_text(&main_cf));
	strbuf_release(&main_cf);
	setup_add_lists(setup);
	return 0;
}

/* Takes one line back, in what the settings file will be. */
static void take_line_back(struct setup *setup, int which)
{
	const struct setup_line *line = &setup->record.lines[which];
	struct strbuf changed = {0};

	if (!line->known)
		return;
	if (!setup_line_back(strbuf_text(&setup->conf_after), line, &changed)) {
		setup_note(setup, "%s in %s was changed meanwhile and stays", setup_line_key(which),
		    setup->conf);
		strbuf_release(&changed);
		return;
	}
	setup->failed |= changed.failed;
	strbuf_release(&setup->conf_after);
	setup->conf_after = changed;
	setup_add(setup, SETUP_CONF, setup->conf, strbuf_text(&line->after),
	    line->was_there ? strbuf_text(&line->before) : NULL);
}

static int plan_conf(struct setup *setup, struct err *err)
{
	bool known = false;
	int code;

	for (int n = SETUP_CONF_LINES; n < SETUP_LINES; n++)
		known |= setup->record.lines[n].known;
	code = known ? setup_file_read(setup->conf, &setup->conf_before, err) : 0;
	if (code <= 0)
		return code;
	strbuf_puts(&setup->conf_after, strbuf_text(&setup->conf_before));
	/* The last first: each finds the file as it was left by setup. */
	for (int n = SETUP_LINES - 1; n >= SETUP_CONF_LINES; n--)
		take_line_back(setup, n);
	return 0;
}

static void plan_units(struct setup *setup)
{
	struct strlist units = strlist_of(&setup->record.units);

	if (units.count > 0 && !setup_systemd_runs())
		setup_note(setup, "systemd does not run here: no unit can be stopped");
	strlist_each (unit, &units)
		if (setup_systemd_runs() &&
		    (setup_unit_is_enabled(unit) || setup_unit_is_active(unit)))
			setup_add(setup, SETUP_STOP, unit, NULL, NULL);
}

/* Rules and the account stay, and the index with them: whoever wants them gone says so. */
static void plan_rest(struct setup *setup)
{
	const struct settings *settings = &setup->s->settings;
	struct strlist directories = strlist_of(&setup->record.directories);
	struct strlist users = strlist_of(&setup->record.users);
	struct stat st;

	strlist_each (path, &directories)
		if (strcmp(path, settings->index_directory) != 0 &&
		    strcmp(path, settings->state_directory) != 0 && lstat(path, &st) == 0)
			setup_add(setup, SETUP_REMOVE_DIRECTORY, path, NULL, NULL);
	if (stat(settings->state_directory, &st) == 0)
		setup_note(setup, "index, rules and account stay; to remove them: rm -r %s %s",
		    settings->index_directory, settings->state_directory);
	strlist_each (user, &users)
		setup_note(setup, "user %s stays; to remove it: userdel %s", user, user);
}

int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err)
{
	int code = setup_open(setup, s, err);

	if (code == 0)
		code = plan_lists(setup, err);
	if (code < 0)
		return code;
	plan_units(setup);
	code = plan_conf(setup, err);
	if (code < 0)
		return code;
	plan_rest(setup);
	return setup->failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}
