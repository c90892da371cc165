/* SPDX-License-Identifier: ISC */
/* The steps of setup, told before they are done. */
#include "base/json.h"
#include "purge/setup/setup.h"
#include "purge/tell/say.h"

static const struct {
	const char *word;     /* in JSON */
	const char *sentence; /* NULL: shown as changed lines */
} kinds[] = {
    [SETUP_USER] = {"make_user", "make the system user %s"},
    [SETUP_MAKE_DIRECTORY] = {"make_directory", "make the directory %s"},
    [SETUP_CONF] = {"conf", NULL},
    [SETUP_RESTORE_CONF] = {"restore_conf", "put %s back as it was"},
    [SETUP_START] = {"start", "enable and start %s"},
    [SETUP_RESTART] = {"restart", "restart %s"},
    [SETUP_STOP] = {"stop", "stop and disable %s"},
    [SETUP_LIST] = {"list", NULL},
    [SETUP_RELOAD] = {"reload", "reload Postfix (%s) if it runs"},
    [SETUP_REMOVE_DIRECTORY] = {"remove_directory", "remove the directory %s"},
};

static void show_sentence(FILE *to, const struct setup_step *step)
{
	const char *sentence = kinds[step->kind].sentence, *at = strstr(sentence, "%s");
	bool more = step->kind == SETUP_MAKE_DIRECTORY;

	say(to, "  %.*s%s%s%s%s%s\n", (int)(at - sentence), sentence, step->subject, at + 2,
	    more ? " (" : "", more ? step->after : "", more ? ")" : "");
}

/* As diff(1) -u has it, without its context. */
static void show_line(FILE *to, char sign, const char *name, const char *value)
{
	if (value)
		say(to, "%c%s%s%s\n", sign, name, *name ? " = " : "", value);
}

static void show_lines(FILE *to, const struct setup *setup, enum setup_kind kind)
{
	const char *path = kind == SETUP_LIST ? setup->main_cf.path : setup->conf.path;
	bool head = false;

	for (size_t n = 0; n < setup->step_count; n++) {
		const struct setup_step *step = &setup->steps[n];
		const char *name = kind == SETUP_LIST ? step->subject : "";

		if (step->kind != kind)
			continue;
		for (const char *sign = "-+"; !head && *sign; sign++)
			say(to, "%c%c%c %s\n", *sign, *sign, *sign, path);
		head = true;
		show_line(to, '-', name, step->before);
		show_line(to, '+', name, step->after);
	}
}

void setup_show(FILE *to, const struct setup *setup)
{
	struct strlist notes = strlist_of(&setup->notes);

	for (size_t n = 0; n < setup->step_count; n++)
		if (kinds[setup->steps[n].kind].sentence)
			show_sentence(to, &setup->steps[n]);
	show_lines(to, setup, SETUP_CONF);
	show_lines(to, setup, SETUP_LIST);
	strlist_each (note, &notes)
		say(to, "Note: %s.\n", note);
}

int setup_json(FILE *to, const struct setup_step *step, const char *result, const char *reason)
{
	struct json *o = json_new();

	json_put_text(o, "step", kinds[step->kind].word);
	json_put_text(o, "subject", step->subject);
	if (step->before)
		json_put_text(o, "before", step->before);
	if (step->after)
		json_put_text(o, "after", step->after);
	json_put_text(o, "result", result);
	if (reason)
		json_put_text(o, "reason", reason);
	return json_line(to, o);
}

int setup_json_notes(FILE *to, const struct setup *setup)
{
	struct strlist notes = strlist_of(&setup->notes);

	strlist_each (note, &notes) {
		struct json *o = json_new();

		json_put_text(o, "note", note);
		int code = json_line(to, o);
		if (code < 0)
			return code;
	}
	return 0;
}
