/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "base/log.h"
#include "purge/setup/setup.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

static void show_sentence(FILE *to, const struct setup_step *step)
{
	const char *sentence = setup_rows[step->kind].sentence, *at = strstr(sentence, "%s");
	bool more = step->kind == SETUP_MAKE_DIRECTORY;

	say(to, "  %.*s%s%s%s%s%s\n", (int)(at - sentence), sentence, step->subject, at + 2,
	    more ? " (" : "", more ? step->after : "", more ? ")" : "");
}

/* Shows a line as diff -u does, but without context. */
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

static void show_steps(FILE *to, const struct setup *setup)
{
	struct strlist notes = strlist_of(&setup->notes);

	for (size_t n = 0; n < setup->step_count; n++)
		if (setup_rows[setup->steps[n].kind].sentence)
			show_sentence(to, &setup->steps[n]);
	show_lines(to, setup, SETUP_CONF);
	show_lines(to, setup, SETUP_LIST);
	strlist_each (note, &notes)
		say(to, "Note: %s.\n", note);
}

static int put_step(const struct setup_step *step, const char *result, const char *reason)
{
	struct json *o = json_new();

	json_put_text(o, "step", setup_rows[step->kind].word);
	json_put_text(o, "subject", step->subject);
	json_put_words(o, "before", step->before);
	json_put_words(o, "after", step->after);
	json_put_text(o, "result", result);
	json_put_words(o, "reason", reason);
	return json_line(stdout, o);
}

static int put_notes(const struct setup *setup)
{
	struct strlist notes = strlist_of(&setup->notes);

	strlist_each (note, &notes) {
		struct json *o = json_new();

		json_put_text(o, "note", note);
		int code = json_line(stdout, o);
		if (code < 0)
			return code;
	}
	return 0;
}

/* 1 yes, 0 no, or a negative code. */
static int may_begin(const struct session *s, struct err *err)
{
	if (s->options.yes)
		return 1;
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE,
		    "there is no terminal to ask on; -y does not ask, and -n only shows. Nothing "
		    "was done");
	return ask_yes(STDIN_FILENO, stderr, "Go on?") == ANSWER_YES;
}

static int tell(const struct setup *setup, const struct setup_step *step, const char *result,
    const struct err *why)
{
	if (why)
		log_warning("setup: %s: %s", step->subject, why->text);
	if (setup->s->options.json)
		return put_step(step, result, why ? why->text : NULL);
	if (why)
		complain("%s.", why->text);
	return 0;
}

static int tell_all(const struct setup *setup)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < setup->step_count; n++)
		code = tell(setup, &setup->steps[n], "would-do", NULL);
	return code == 0 ? put_notes(setup) : code;
}

/* Setting up stops at the first failed step, since later steps need it. Removing goes on, and the
 * record stays for another try. */
static int run_steps(struct setup *setup, size_t *ret_failed)
{
	int code = 0;

	*ret_failed = 0;
	for (size_t n = 0; code == 0 && n < setup->step_count; n++) {
		const struct setup_step *step = &setup->steps[n];
		struct err err = {{0}};
		int done = setup_do(setup, step, &err);

		code = tell(setup, step, done < 0 ? "failed" : "done", done < 0 ? &err : NULL);
		*ret_failed += done < 0;
		if (done < 0 && !setup->s->options.remove)
			break;
	}
	return code;
}

/* The steps may have changed the settings. */
static int look_at_result(struct session *s, const char *conf, struct err *err)
{
	settings_release(&s->settings);
	s->settings = (struct settings){0};
	int code = settings_load(access(conf, F_OK) == 0 ? conf : NULL, &s->settings, err);
	return code < 0 ? code : verb_status(s, err);
}

static int end(struct session *s, struct setup *setup, size_t failed, struct err *err)
{
	bool talks = !s->options.json && !s->options.quiet;

	if (failed > 0) {
		complain("%s is unfinished; run it again when the problem is solved.",
		    s->options.remove ? "setup --remove" : "setup");
		return EXIT_SOME_FAILED;
	}
	if (!s->options.remove) {
		if (talks && setup->step_count > 0)
			say(stdout, "Done. The status now:\n\n");
		return look_at_result(s, setup->conf.path, err);
	}
	int code = setup_record_remove(setup->record_path, err);
	if (code == 0 && talks)
		say(stdout, "Done.\n");
	return code;
}

static void show(FILE *to, const struct setup *setup)
{
	if (setup->step_count == 0)
		say(to, "Everything is done already.\n");
	else
		say(to, setup->s->options.remove ? "To undo the setup:\n" : "To set pqpurge up:\n");
	show_steps(to, setup);
	fflush(to);
}

static int carry_out(struct session *s, struct setup *setup, struct err *err)
{
	bool talks = !s->options.json && !s->options.quiet;
	size_t failed = 0;
	int code = 1;

	/* a user who is asked must have seen the plan */
	if (talks || (session_can_ask(s) && !s->options.dry_run))
		show(s->options.json ? stderr : stdout, setup);
	if (s->options.dry_run)
		return s->options.json ? tell_all(setup) : EXIT_DONE;
	if (setup->step_count > 0)
		code = may_begin(s, err);
	if (code < 0)
		return code;
	if (code == 0) {
		say(stderr, "Nothing was done.\n");
		return EXIT_INTERRUPTED;
	}
	code = run_steps(setup, &failed);
	if (code == 0 && s->options.json)
		code = put_notes(setup);
	code = session_written(code, err);
	return code < 0 ? code : end(s, setup, failed, err);
}

int verb_setup(struct session *s, struct err *err)
{
	AUTO(setup_release) struct setup setup = {0};
	int code = (s->options.remove ? setup_plan_removal : setup_plan)(&setup, s, err);

	return code ?: carry_out(s, &setup, err);
}
