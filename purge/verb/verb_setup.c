/* SPDX-License-Identifier: ISC */
/* pqpurge-idx setup: shows the steps, asks, carries them out, then shows the status. */
#include "base/log.h"
#include "purge/setup/setup.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

/* 1 yes, 0 no, or a negative code. */
static int may_begin(const struct session *s, struct err *err)
{
	if (s->options.yes)
		return 1;
	if (!isatty(STDIN_FILENO))
		return err_set(err, ERR_USAGE,
		    "nobody can be asked here; -y does without, -n only shows. Nothing was done");
	return ask_yes(STDIN_FILENO, stderr, "Go on?") == ANSWER_YES;
}

static int tell(const struct setup *setup, const struct setup_step *step, const char *result,
    const struct err *why)
{
	if (why)
		log_warning("setup: %s: %s", step->subject, why->text);
	if (setup->s->options.json)
		return setup_json(stdout, step, result, why ? why->text : NULL);
	if (why)
		complain("%s.", why->text);
	return 0;
}

static int tell_all(const struct setup *setup)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < setup->step_count; n++)
		code = tell(setup, &setup->steps[n], "would-do", NULL);
	return code == 0 ? setup_json_notes(stdout, setup) : code;
}

/* A setup stops at the first failed step: the next ones need it. A removal goes on, and the record
 * stays for another try. */
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

/* Settings may have changed: read them again. */
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
		complain("%s is unfinished; run it again when that is put right.",
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
		say(to, "Nothing is left to do.\n");
	else
		say(to, setup->s->options.remove ? "To undo the setup:\n" : "To set pqpurge up:\n");
	setup_show(to, setup);
	fflush(to);
}

static int carry_out(struct session *s, struct setup *setup, struct err *err)
{
	bool talks = !s->options.json && !s->options.quiet;
	size_t failed = 0;
	int code = 1;

	/* whoever is asked must have seen it */
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
		code = setup_json_notes(stdout, setup);
	code = session_written(code, err);
	return code < 0 ? code : end(s, setup, failed, err);
}

int verb_setup(struct session *s, struct err *err)
{
	struct setup setup = {0};
	int code = (s->options.remove ? setup_plan_removal : setup_plan)(&setup, s, err);

	if (code == 0)
		code = carry_out(s, &setup, err);
	setup_release(&setup);
	return code;
}
