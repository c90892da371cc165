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

static int plan_conf(struct setup *setup, struct err *err)
{
	const struct setup_line *line = &setup->record.lines[SETUP_LINE_ORIGIN];
	int code;

	if (!line->known)
		return 0;
	code = setup_file_read(setup->conf, &setup->conf_before, err);
	if (code <= 0)
		return code;
	if (!setup_line_back(strbuf_text(&setup->conf_before), line, &setup->conf_after)) {
		setup_note(setup, "origin in %s was changed meanwhile and stays", setup->conf);
		return 0;
	}
	setup->failed |= setup->conf_after.failed;
	setup_add(setup, SETUP_CONF, setup->conf, strbuf_text(&line->after),
	    line->was_there ? strbuf_text(&line->before) : NULL);
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

/* The index is not undone: what was recorded cannot be recorded again. */
static void plan_rest(struct setup *setup)
{
	const struct settings *settings = &setup->s->settings;
	struct strlist directories = strlist_of(&setup->record.directories);
	struct strlist users = strlist_of(&setup->record.users);
	struct stat st;

	strlist_each (path, &directories)
		if (strcmp(path, settings->index_directory) != 0 && lstat(path, &st) == 0)
			setup_add(setup, SETUP_REMOVE_DIRECTORY, path, NULL, NULL);
	if (stat(settings->index_directory, &st) == 0)
		setup_note(
		    setup, "the index stays; to remove it: rm -r %s", settings->index_directory);
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
