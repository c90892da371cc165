/* SPDX-License-Identifier: ISC */
/* What has to be done so that all is as it was before setup. */
#include <errno.h>
#include <sys/stat.h>

#include "purge/setup/setup.h"
#include "purge/setup/setup_units.h"

/* Where nobody else has changed main.cf it becomes what it was; else the daemon goes from its
 * lists. */
static int plan_lists(struct setup *setup, struct err *err)
{
	struct strbuf main_cf = {0};
	int code = wiring_leave(&setup->postfix, setup->s->settings.socket, &setup->wiring, err);

	if (code < 0)
		return code;
	strbuf_printf(&main_cf, "%s/main.cf", setup->postfix.config_directory);
	setup->restores_main_cf =
	    setup_record_untouched(setup->record_path, "main.cf", strbuf_text(&main_cf));
	strbuf_release(&main_cf);
	setup_add_lists(setup);
	return 0;
}

static void plan_conf(struct setup *setup)
{
	if (setup_record_untouched(setup->record_path, "pqpurge.conf", setup->conf))
		setup_add(setup, SETUP_RESTORE_CONF, setup->conf, NULL, NULL);
	else if (setup_record_changed(setup->record_path, "pqpurge.conf"))
		setup_note(setup, "%s was changed meanwhile and stays", setup->conf);
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
	plan_conf(setup);
	plan_rest(setup);
	return setup->failed ? err_sys(err, ENOMEM, "failed to plan") : 0;
}
