/* SPDX-License-Identifier: ISC */
#include "purge/walk.h"

#include "base/clock.h"
#include "base/log.h"
#include "purge/door/behalf.h"
#include "purge/interrupt.h"
#include "purge/tell/ask.h"
#include "purge/tell/say.h"

/* The parent passes it on to the client. */
static void tell_progress(void *arg, const char *doing, size_t done, size_t of)
{
	struct behalf_answer *answer = arg;

	(void)doing;
	if (of == 0)
		return;
	answer->done = done;
	answer->of = of;
}

void walk_init(struct walk *w, struct session *s, enum action action)
{
	const struct options *o = &s->options;

	*w = (struct walk){.s = s};
	progress_init(&w->progress, !o->quiet);
	w->order = (struct order){.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = &o->selector,
	    .action = action,
	    .dry_run = o->dry_run,
	    .index_only = o->index_only,
	    .bounces = o->with_bounces,
	    .sweep = o->sweep,
	    .foreign = o->foreign,
	    .rule_held = o->flood > 0,
	    .overdue = o->yes,
	    .limit = s->verb->flags & VERB_GROUPS ? 0 : o->limit,
	    .verb = s->verb->name,
	    .command_line = s->behalf && s->behalf->command ? s->behalf->command : s->command_line,
	    .reason = o->reason,
	    .user = s->user,
	    .uid = s->behalf ? s->behalf->uid : getuid(),
	    .token = s->behalf ? s->behalf->token : NULL,
	    .selector_text = strbuf_text(&o->selected),
	    .stop = &interrupt_stop,
	    .progress = progress_show,
	    .progress_arg = &w->progress};
	if (s->behalf && s->behalf->answer) {
		w->order.progress = tell_progress;
		w->order.progress_arg = s->behalf->answer;
	}
}

void walk_tell_basis(struct walk *w, const struct outcome *found)
{
	char text[CLOCK_TEXT_SIZE];

	if (w->told)
		return;
	w->told = true;
	if (found->no_index)
		complain("%s; only the queue files were read.", found->no_index_why.text);
	if (found->note.text[0] && !w->s->options.quiet)
		complain("%s.", found->note.text);
	if (!w->order.index_only || w->s->options.quiet)
		return;
	if (found->as_of)
		complain("from the index alone, as of %s.",
		    clock_text(found->as_of, text, sizeof(text)));
	else
		complain("from the index alone, before its first complete catch-up.");
}

int walk_run(struct walk *w, struct err *err)
{
	int code = order_run(&w->order, &w->outcome, err);

	progress_end(&w->progress);
	if (code == 0)
		walk_tell_basis(w, &w->outcome);
	return code;
}

int walk_look(struct walk *w, struct session *s, struct err *err)
{
	walk_init(w, s, ACTION_LIST);
	if (selector_is_empty(&s->options.selector))
		s->options.selector.all = true;
	return walk_run(w, err);
}

struct summary walk_summary(const struct walk *w)
{
	const struct options *o = &w->s->options;

	return (struct summary){.verb = w->s->verb->name,
	    .config = o->config,
	    .postfix = &w->s->postfix,
	    .outcome = &w->outcome,
	    .action = w->order.action,
	    .dry_run = w->order.dry_run,
	    .ids_asked = o->selector.ids_given,
	    .recipients_asked = o->selector.recipient.count > 0,
	    .rules_set = w->order.rules_set,
	    .swept = w->order.sweep};
}

int walk_end_look(const struct walk *w)
{
	struct summary r = walk_summary(w);

	fflush(stdout); /* so that problems come last if both go to one place */
	summary_problems(stderr, &r);
	int status = summary_exit(&r);
	return status == EXIT_DONE && w->s->bad_ids ? EXIT_SOME_FAILED : status;
}

int walk_show(struct session *s, walk_put *put, struct err *err)
{
	AUTO(walk_release) struct walk w = {0};
	int code = walk_look(&w, s, err);

	code = code ?: put(&w, err);
	if (code < 0)
		return code;
	int status = walk_end_look(&w);
	return status > code ? status : code;
}

bool walk_ask(const struct walk *w, const char *question, uint64_t n)
{
	if (w->s->options.selector.all && n)
		return ask_number(STDIN_FILENO, stderr, question, "", n) == ANSWER_YES;
	return ask_yes(STDIN_FILENO, stderr, question) == ANSWER_YES;
}

/* Puts the value as given, but escaped, so that a quotation mark does not end the value. */
static void put_quoted(struct strbuf *line, const char *key, const char *text)
{
	strbuf_printf(line, " %s=\"", key);
	for (; *text; text++)
		strbuf_printf(line, "%s%c", strchr("\"\\", *text) ? "\\" : "", *text);
	strbuf_putc(line, '"');
}

/* Explains postsuper's lines in the mail log. */
static void log_run(const struct walk *w, const struct summary *r)
{
	struct count rows[COUNTS_MAX];
	size_t count = summary_counts(r, rows);
	AUTO(strbuf_release) struct strbuf line = {0};

	strbuf_printf(&line, "batch=%" PRIu64 " user=%s verb=%s", r->outcome->tally.batch,
	    w->s->user, w->s->verb->name);
	for (size_t i = 0; i < count; i++)
		if (rows[i].n || rows[i].flags & COUNT_ALWAYS)
			strbuf_printf(&line, " %s=%" PRIu64, rows[i].key, rows[i].n);
	put_quoted(&line, "command", w->s->command_line);
	put_quoted(&line, "reason", w->s->options.reason);
	log_info("%s", strbuf_text(&line));
}

int walk_tell(const struct walk *w, struct err *err)
{
	const struct options *o = &w->s->options;
	const bool refused = w->outcome.refused;
	struct summary r = walk_summary(w);
	int status = refused ? EXIT_INTERRUPTED : summary_exit(&r), code = 0;

	if (!r.dry_run && !refused)
		log_run(w, &r);
	if (w->s->behalf && w->s->behalf->answer)
		w->s->behalf->answer->matched =
		    w->outcome.tally.results[r.dry_run ? RESULT_READY : RESULT_DONE];
	if (o->json)
		code = summary_json(stdout, &r);
	if (!o->json && !refused && r.dry_run && !o->quiet)
		summary_preview(stdout, &r);
	if (!o->json && !refused && !o->quiet)
		summary_text(stdout, &r);
	if (o->json || !refused)
		summary_problems(o->json ? stderr : stdout, &r);
	if (refused)
		say(stderr, interrupt_stop ? "Interrupted; nothing was touched.\n"
					   : "Nothing was touched.\n");
	code = session_written(code, err);
	if (status == EXIT_DONE && w->s->bad_ids)
		status = EXIT_SOME_FAILED;
	return code < 0 ? code : status;
}

void walk_release(struct walk *w)
{
	progress_end(&w->progress);
	outcome_release(&w->outcome);
}
