/* SPDX-License-Identifier: ISC */
/*
 * pqpurge-idx purge, hold, release, undo: the walk, with a preview and a question where somebody
 * can be asked.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "order/save.h"
#include "purge/asked.h"
#include "purge/holds.h"
#include "purge/interrupt.h"
#include "purge/lifetime.h"
#include "purge/rules/block_talk.h"
#include "purge/save_dir.h"
#include "purge/session.h"
#include "purge/status/missing.h"
#include "purge/sweep.h"
#include "purge/tell/ask.h"
#include "purge/tell/preview.h"
#include "purge/tell/progress.h"
#include "purge/tell/report.h"
#include "purge/tell/wording.h"
#include "purge/undo.h"

/* One run of such a verb. */
struct act {
	struct session *s;
	struct order order;
	struct progress progress;
	struct save save;       /* --save; directory -1: not asked */
	struct block_plan plan; /* --block */
	struct outcome first;   /* selected and proven for the preview; then the sweep's */
	bool selected;          /* first is filled */
	struct sweep sweep;
	struct stranger *strangers;
	size_t stranger_count;
	uint64_t foreign;
	struct missing missing;
	bool not_saved; /* a block is in force but not on disk */
};

static void show_saving(void *arg, size_t done, size_t of)
{
	struct progress *p = arg;
	const char *doing = p->doing;

	p->doing = "saving";
	progress_show(p, done, of);
	p->doing = doing;
}

static void act_init(struct act *a, struct session *s)
{
	const struct options *o = &s->options;

	*a = (struct act){.s = s, .save = {o->save, -1, show_saving, &a->progress}};
	progress_init(&a->progress, stderr, !o->quiet && isatty(STDERR_FILENO),
	    wording_doing(s->verb->action));
	a->order = (struct order){.settings = &s->settings,
	    .postfix = &s->postfix,
	    .selector = &o->selector,
	    .action = s->verb->action,
	    .dry_run = o->dry_run,
	    .limit = o->limit,
	    .scan = o->scan,
	    .bounces = o->with_bounces,
	    .verb = s->verb->name,
	    .command_line = s->command_line,
	    .user = s->user,
	    .reason = o->reason,
	    .requeue = o->requeue,
	    .stop = &interrupt_stop,
	    .progress = progress_show,
	    .progress_arg = &a->progress};
}

static void act_release(struct act *a)
{
	progress_end(&a->progress);
	outcome_release(&a->first);
	sweep_release(&a->sweep);
	block_plan_release(&a->plan);
	io_close(&a->save.directory);
	missing_release(&a->missing);
	free(a->strangers);
}

/* Everything that can be wrong without anything having been looked at. */
static int check(struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	struct block_terms terms = {.action = RULE_REJECT,
	    .reason = o->reason,
	    .author = a->s->user,
	    .now = o->now,
	    .expires = o->block_for ? o->now + o->block_for : 0,
	    .subdomains = o->subdomains};
	int code;

	if (o->selector.all && !o->dry_run && !o->yes && !session_can_ask(a->s))
		return err_set(
		    err, ERR_USAGE, "'--all' without a terminal needs '-y'; nothing was done");
	if (o->save && !o->dry_run) {
		code = save_dir_open(o->save, &a->s->postfix.owner, &a->save.directory, err);
		if (code < 0)
			return code;
		a->order.save = &a->save;
	}
	if (!o->block)
		return 0;
	code = block_plan_selector(&a->plan, &o->selector, &terms, err);
	if (code < 0 || o->dry_run || o->yes || session_can_ask(a->s))
		return code;
	return block_doubts(a->s, &a->plan) == 0
		   ? 0
		   : err_set(err, ERR_USAGE, "blocking this needs '--yes'; nothing was done");
}

static bool is_undo(const struct act *a)
{
	return a->s->verb->words == WORDS_BATCHES;
}

/* What goes out without having been seen by all. */
static void tell_unseen(const struct act *a, const struct outcome *outcome)
{
	uint64_t n = 0;

	for (size_t i = 0; i < outcome->count; i++)
		n += outcome->items[i].result == RESULT_READY &&
		     candidate_message(outcome->items[i].candidate).flags & MESSAGE_HELD;
	if (n && !a->s->options.quiet)
		fprintf(stderr,
		    "%" PRIu64 " %s held by a rule while it came in; milters behind\n"
		    "pqpurge-milter have not seen %s.\n",
		    n, n == 1 ? "was" : "were", n == 1 ? "it" : "them");
}

/* What is past its lifetime goes out as new mail, or bounces if somebody said so, or stays. */
static int leave_old(struct act *a, struct outcome *outcome, struct err *err)
{
	const struct options *o = &a->s->options;
	int64_t lifetime;
	uint64_t n;
	int code;

	if (o->requeue)
		return 0;
	code = lifetime_read(&a->s->postfix, &lifetime, err);
	if (code < 0)
		return code;
	n = lifetime_over(outcome, lifetime, o->now, !o->yes);
	if (n && o->yes && !o->quiet)
		fprintf(stderr,
		    "%" PRIu64 " %s past maximal_queue_lifetime and will bounce at once.\n", n,
		    n == 1 ? "is" : "are");
	return 0;
}

/* Release: leaves what others hold, and what would bounce at once. */
static int leave_some(struct act *a, struct outcome *outcome, struct err *err)
{
	struct holds holds = {0};
	int code;

	if (!a->s->options.foreign && !is_undo(a)) {
		code = holds_read(a->s->settings.index_directory, &holds, err);
		if (code < 0)
			return code;
		a->foreign = holds_exclude_foreign(&holds, outcome);
		holds_release(&holds);
	}
	code = leave_old(a, outcome, err);
	if (code == 0)
		tell_unseen(a, outcome);
	return code;
}

/* Selects and proves into first. The limit counts what is left after release left some, so it is
 * applied last. */
static int look(struct act *a, struct err *err)
{
	struct order order = a->order;
	int code;

	a->progress.doing = "proving";
	order.limit = 0;
	code =
	    is_undo(a) ? undo_select(a->s, &a->first, err) : order_select(&order, &a->first, err);
	if (code < 0)
		return code;
	a->selected = true;
	code = order_prove(&order, &a->first, err);
	if (code == 0 && a->order.action == ACTION_RELEASE)
		code = leave_some(a, &a->first, err);
	/* Everything is proven; this applies the limit and counts. */
	if (code == 0)
		code = order_prove(&a->order, &a->first, err);
	progress_end(&a->progress);
	a->progress.doing = wording_doing(a->order.action);
	return code;
}

/* Words for the recipients that --recipient did not name, or "". */
static void others_text(const struct act *a, char *buf, size_t size)
{
	uint64_t others = a->first.tally.other_recipients;

	buf[0] = '\0';
	if (a->s->options.selector.recipient.count > 0 && others > 0)
		snprintf(buf, size, ", also for %" PRIu64 " other %s", others,
		    others == 1 ? "recipient" : "recipients");
}

static enum answer ask(const struct act *a)
{
	uint64_t n = a->first.tally.results[RESULT_READY];
	const char *verb = wording_verb(a->order.action);
	const char *block = a->plan.rules.count ? "Block this and " : "";
	char question[256], others[64];

	others_text(a, others, sizeof(others));
	if (n == 0)
		snprintf(question, sizeof(question), "Block this, though nothing is in the queue?");
	else
		snprintf(question, sizeof(question), "%s%c%s %s %" PRIu64 " %s%s?", block,
		    *block ? verb[0] : verb[0] - 'a' + 'A', verb + 1, n == 1 ? "this" : "these", n,
		    wording_messages(n), others);
	return a->s->options.selector.all && n ? ask_number(STDIN_FILENO, stderr, question, n)
					       : ask_yes(STDIN_FILENO, stderr, question);
}

static void preview(const struct act *a, FILE *to)
{
	char subject[256], until[CLOCK_TEXT_SIZE];

	preview_text(to, a->order.action, a->s->options.selector.recipient.count > 0, &a->first,
	    &a->s->postfix);
	for (size_t i = 0; i < a->plan.rules.count; i++) {
		const struct rule *r = &a->plan.rules.list[i];

		fprintf(to, "To be refused: %s, until %s.\n",
		    str_scrub(subject, sizeof(subject), r->subject),
		    block_until(r, until, sizeof(until)));
	}
}

/* 1 go on, 0 the answer was no. */
static int preview_and_ask(struct act *a)
{
	if (a->first.tally.results[RESULT_READY] == 0 && a->plan.rules.count == 0)
		return 1;
	preview(a, stderr);
	(void)block_doubts(a->s, &a->plan);
	return ask(a) == ANSWER_YES;
}

/* In force before anything is selected, so that nothing new comes while the old goes. */
static int block_first(struct act *a, struct err *err)
{
	FILE *to = a->s->options.json ? stderr : stdout;

	for (size_t i = 0; i < a->plan.rules.count; i++) {
		struct block_answer answer;
		int code = block_send(&a->s->settings, &a->plan.rules.list[i], &answer, err);

		if (code < 0)
			return err_within(err, code, "nothing was deleted");
		a->order.rules_set++;
		a->not_saved |= !answer.saved;
		if (!a->s->options.quiet || !answer.saved)
			block_tell(to, &a->plan.rules.list[i], &answer);
	}
	if (a->plan.rules.count == 0)
		return 0;
	block_tell_outranked(a->s, &a->plan);
	/* What was shown is out of date by now: mail came until the block was in force. */
	if (a->selected)
		outcome_release(&a->first);
	a->selected = false;
	return 0;
}

static struct report report_of(const struct act *a)
{
	const struct options *o = &a->s->options;

	return (struct report){.outcome = a->sweep.count ? &a->sweep.whole : &a->first,
	    .action = a->order.action,
	    .dry_run = o->dry_run,
	    .ids_asked = o->selector.ids_given,
	    .recipients_asked = o->selector.recipient.count > 0,
	    .bounces_asked = o->with_bounces,
	    .strangers = a->strangers,
	    .stranger_count = a->stranger_count,
	    .foreign = a->foreign,
	    .rules_set = a->order.rules_set,
	    .passes = o->sweep ? a->sweep.count : 0,
	    .sweep_cut = a->sweep.cut};
}

/* The line in the mail log that explains postsuper's "removed" lines. */
static void log_run(const struct act *a, const struct report *r)
{
	const struct tally *t = &r->outcome->tally;

	log_info("batch=%" PRIu64 " user=%s verb=%s matched=%" PRIu64 " %s=%" PRIu64
		 " gone=%" PRIu64 " changed=%" PRIu64 " unproven=%" PRIu64 " failed=%" PRIu64
		 " untouched=%" PRIu64 " command=\"%s\" reason=\"%s\"",
	    t->batch, a->s->user, a->s->verb->name, report_matched(r),
	    result_word(RESULT_DONE, r->action), report_count(r, RESULT_DONE),
	    report_count(r, RESULT_GONE), report_count(r, RESULT_CHANGED),
	    report_count(r, RESULT_UNPROVEN), report_count(r, RESULT_FAILED),
	    report_count(r, RESULT_UNTOUCHED), a->s->command_line, a->s->options.reason);
}

/* The words of the report, and the status that they mean. */
static int tell(const struct act *a, const struct report *r, struct err *err)
{
	const struct options *o = &a->s->options;
	int status = report_exit(r);

	if (o->json) {
		int code = report_json(stdout, r);

		report_problems(stderr, r);
		if (code < 0)
			return err_sys(err, -code, "failed to write the report");
	} else {
		if (o->dry_run && !o->quiet)
			preview(a, stdout);
		if (!o->quiet) {
			report_text(stdout, r);
			fflush(stdout); /* where both go to one place, this line is the last */
			missing_line(stderr, &r->outcome->tally, &a->missing, o->scan);
		}
		report_problems(stdout, r);
	}
	if (status == EXIT_DONE && (a->s->bad_ids || a->not_saved))
		status = EXIT_SOME_FAILED;
	return status;
}

static int finish(struct act *a, struct err *err)
{
	struct outcome *outcome = a->sweep.count ? &a->sweep.whole : &a->first;
	struct report r;

	progress_end(&a->progress);
	missing_count(&a->order, outcome);
	if (a->sweep.count)
		order_account(&a->order, outcome);
	a->stranger_count = asked_not_found(outcome, a->strangers, a->stranger_count);
	r = report_of(a);
	missing_read(a->s->settings.index_directory, r.outcome, &a->missing);
	r.missing = &a->missing;
	if (a->sweep.count)
		log_run(a, &r);
	return tell(a, &r, err);
}

/* Nothing was begun. A program gets its last line all the same. */
static int leave(struct act *a, const char *words, struct err *err)
{
	int code = 0;

	if (a->s->options.json) {
		order_leave(&a->first);
		a->first.accounted = true; /* there is nothing to tell */
		code = finish(a, err);
	} else {
		fputs(words, stderr);
	}
	return code < 0 ? code : EXIT_INTERRUPTED;
}

/* Whether order_act alone would not do: somebody looks, or what is meant depends on all that was
 * found. */
static bool must_look(const struct act *a)
{
	return a->order.dry_run || session_can_ask(a->s) || a->order.action == ACTION_RELEASE;
}

static int run(struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	int code = check(a, err);

	/* Before anything is deleted: a freed inode is soon another message's, and the index
	 * forgets the old one. */
	if (code == 0)
		code = asked_strangers(a->s, &a->strangers, &a->stranger_count, err);
	if (code == 0 && must_look(a))
		code = look(a, err);
	if (code < 0 || o->dry_run)
		return code < 0 ? code : finish(a, err);
	if (session_can_ask(a->s) && interrupt_stop)
		return leave(a, "Interrupted; nothing was touched.\n", err);
	if (session_can_ask(a->s) && !preview_and_ask(a))
		return leave(a, "Nothing was touched.\n", err);
	code = block_first(a, err);
	if (code < 0)
		return code;
	code = sweep_run(&a->sweep, &a->order, o->sweep, a->selected ? &a->first : NULL, err);
	return code < 0 ? code : finish(a, err);
}

int verb_act(struct session *s, struct err *err)
{
	struct act a;
	int code;

	act_init(&a, s);
	interrupt_catch();
	code = run(&a, err);
	act_release(&a);
	return code;
}
