/* SPDX-License-Identifier: ISC */
/* What has to be done so that all is as it was before setup. */
#include "purge/setup/setup.h"
#include "purge/setup/setup_units.h"

/* The subject of a line of the record, where it is of that kind; else NULL. */
static const char *made(const char *line, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(line, kind, len) == 0 && line[len] == ' ' ? line + len + 1 : NULL;
}

static void plan_unit(struct setup *setup, const char *unit)
{
	if (!setup_systemd_runs())
		setup_note(setup, "systemd does not run here: %s cannot be stopped", unit);
	else if (setup_unit_is_enabled(unit) || setup_unit_is_active(unit))
		setup_add(setup, SETUP_STOP, unit, NULL, NULL);
}

static int plan_conf(struct setup *setup, struct err *err)
{
	int code = setup_record_restore(setup->record_path, &setup->conf, err);

	if (code > 0)
		setup_add(setup, SETUP_RESTORE_CONF, setup->conf.path, NULL, NULL);
	else if (code == 0 && setup_record_changed(setup->record_path, &setup->conf))
		setup_note(setup, "%s was changed meanwhile and stays", setup->conf.path);
	return code < 0 ? code : 0;
}

/* Rules and the account stay, and the index with them, unless the admin removes them. */
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
			setup_add(setup, SETUP_REMOVE_DIRECTORY, what, NULL, NULL);
		else if ((what = made(line, "user")))
			setup_note(setup, "user %s stays; to remove it: userdel %s", what, what);
	if (stat(settings->state_directory, &st) == 0)
		setup_note(setup, "index, rules and account stay; to remove them: rm -r %s %s",
		    settings->index_directory, settings->state_directory);
}

/* If nobody else has changed main.cf since setup, it becomes what it was, byte by byte; else the
 * daemon goes from its lists. */
int setup_plan_removal(struct setup *setup, const struct session *s, struct err *err)
{
	const char *unit;
	int code = setup_open(setup, s, err);

	if (code == 0)
		code = setup_edit_lists(setup, false, err);
	if (code == 0)
		code = setup_record_restore(setup->record_path, &setup->main_cf, err);
	if (code < 0)
		return code;
	setup_add_lists(setup);
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
