/* SPDX-License-Identifier: ISC */
/* The steps of setup, told before they are done. */
#include <errno.h>

#include "base/json.h"
#include "purge/setup/setup.h"

static const struct {
	const char *word;     /* in JSON */
	const char *sentence; /* NULL: shown as changed lines */
} kinds[] = {
    [SETUP_USER] = {"make_user", "make the system user %s"},
    [SETUP_MAKE_DIRECTORY] = {"make_directory", "make the directory %s"},
    [SETUP_CONF] = {"conf", NULL},
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
	char subject[PATH_MAX];

	str_scrub(subject, sizeof(subject), step->subject);
	fprintf(to, "  %.*s%s%s", (int)(at - sentence), sentence, subject, at + 2);
	if (step->kind == SETUP_MAKE_DIRECTORY)
		fprintf(to, " (%s)", step->after);
	fputc('\n', to);
}

/* As diff(1) -u has it, without its context. main.cf may hold anything, the terminal not. */
static void show_line(FILE *to, char sign, const char *name, const char *value)
{
	size_t size = value ? strlen(value) + 1 : 0;
	char *clean = value ? malloc(size) : NULL;

	if (!clean)
		return;
	str_scrub(clean, size, value);
	fprintf(to, "%c%s%s%s\n", sign, name, *name ? " = " : "", clean);
	free(clean);
}

static void show_lines(FILE *to, const struct setup *setup, enum setup_kind kind)
{
	bool head = false;

	for (size_t n = 0; n < setup->step_count; n++) {
		const struct setup_step *step = &setup->steps[n];
		const char *name = kind == SETUP_LIST ? step->subject : "";

		if (step->kind != kind)
			continue;
		if (!head && kind == SETUP_LIST)
			fprintf(to, "--- %s/main.cf\n+++ %s/main.cf\n",
			    setup->postfix.config_directory, setup->postfix.config_directory);
		else if (!head)
			fprintf(to, "--- %s\n+++ %s\n", step->subject, step->subject);
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
		fprintf(to, "Note: %s.\n", note);
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
		int code;

		json_put_text(o, "note", note);
		code = json_line(to, o);
		if (code < 0)
			return code;
	}
	return 0;
}
