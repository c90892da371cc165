/* SPDX-License-Identifier: ISC */
/* pqpurge-idx purge, hold, release, undo. */
#include "base/clock.h"
#include "base/io.h"
#include "purge/door/behalf.h"
#include "purge/floods/floods.h"
#include "purge/interrupt.h"
#include "purge/save_dir.h"
#include "purge/standing.h"
#include "purge/tell/say.h"
#include "purge/walk.h"

struct act {
	struct session *s;
	struct walk walk;
	struct save save;             /* --save */
	struct rule_list plan;        /* --block */
	struct batch_numbers batches; /* undo */
	struct standing_ends ends;
	int code; /* the error while asking; its words are in err */
	struct err *err;
	bool not_saved; /* a block is in force but not saved */
};

static int read_batches(struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	uint64_t number;

	for (size_t i = 0; i < o->word_count; i++) {
		if (str_parse_u64(o->words[i], 1, INT64_MAX, &number) < 0)
			return err_set(err, ERR_USAGE,
			    "'%s' is not a batch number; 'pqpurge-idx log' lists the batches",
			    o->words[i]);
		if (array_add(&a->batches, number) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	int code = standing_ends_of(a->s, &a->batches, &a->ends, err);
	a->walk.order.undo = a->batches.list;
	a->walk.order.undo_count = a->batches.count;
	return code;
}

static int check(struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	const bool holds = a->walk.order.action == ACTION_HOLD;
	const struct block_terms terms = block_terms_of(
	    a->s, holds ? RULE_HOLD : RULE_REJECT, o->rule_for ? o->rule_for : o->block_for);
	int code = session_check_all(a->s, err);

	if (code == 0 && a->s->verb->words == WORDS_BATCHES)
		code = read_batches(a, err);
	if (code == 0 && o->rule_for)
		code = standing_check(o, err);
	if (code == 0 && (o->block || o->rule_for))
		code = block_plan_selector(&a->plan, &o->selector, &terms, err);
	a->walk.order.stays = o->rule_for > 0;
	if (code == 0 && !o->dry_run && !o->yes && !session_can_ask(a->s))
		code = block_doubts(a->s, &a->plan, err);
	return code;
}

/* Sets the rules first, so that no further mail arrives while some is deleted. */
static int block_first(struct act *a, struct err *err)
{
	FILE *to = a->s->options.json ? stderr : stdout;

	for (size_t i = 0; i < a->plan.count; i++) {
		struct block_answer answer;
		int code = block_set(&a->s->client, &a->plan.list[i], &answer, err);

		if (code < 0)
			return err_within(err, code, "nothing was deleted");
		a->walk.order.rules_set++;
		a->not_saved |= !answer.saved;
		if (!a->s->options.quiet || !answer.saved)
			block_tell(to, &a->plan.list[i], &answer);
	}
	if (a->plan.count)
		block_tell_exceptions(a->s, &a->plan);
	return 0;
}

static int begin(struct act *a, struct err *err)
{
	int code = 0;

	if (a->walk.order.save)
		code = save_dir_open(a->save.name, &a->s->postfix.owner, &a->save.directory, err);
	if (code == 0)
		code = standing_end_all(a->s, &a->ends, a->s->options.json ? stderr : stdout, err);
	return code < 0 ? code : block_first(a, err);
}

static void say_blocks(const struct act *a, FILE *to)
{
	char until[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < a->plan.count; i++)
		say(to, "To be %s: %s, until %s.\n",
		    a->walk.order.action == ACTION_HOLD ? "held when it comes" : "refused",
		    a->plan.list[i].subject, block_until(&a->plan.list[i], until, sizeof(until)));
}

static bool put_question(const struct act *a, const struct tally *t)
{
	const uint64_t n = t->results[RESULT_READY], others = t->other_recipients;
	const char *verb = action_rows[a->walk.order.action].verb;
	const bool block = a->plan.count > 0;
	const char *first = a->walk.order.action == ACTION_HOLD ? "Hold what comes" : "Block this";
	char question[256], also[64] = "";

	if (a->s->options.selector.recipient.count && others)
		snprintf(also, sizeof(also), ", also for %" PRIu64 " other %s", others,
		    PLURAL(others, "recipient"));
	if (n == 0 && a->ends.count)
		snprintf(question, sizeof(question), "End %s?",
		    a->ends.count == 1 ? "this order" : "these orders");
	else if (n == 0)
		snprintf(question, sizeof(question), "%s, though nothing is in the queue?", first);
	else
		snprintf(question, sizeof(question), "%s%s%c%s %s %" PRIu64 " %s%s?",
		    block ? first : "", block ? " and " : "", block ? verb[0] : verb[0] - 'a' + 'A',
		    verb + 1, n == 1 ? "this" : "these", n, PLURAL(n, "message"), also);
	return walk_ask(&a->walk, question, n);
}

/* Whether it is more than root allows another user. */
static bool is_too_much(const struct act *a, uint64_t ready)
{
	const struct behalf *b = a->s->behalf;

	if (!b || !b->most || ready <= b->most)
		return false;
	if (b->answer)
		err_set(&b->answer->refused, ERR_REFUSED,
		    "%" PRIu64 " messages match, and fleet_max_messages is %" PRIu64
		    "; nothing was touched",
		    ready, b->most);
	return true;
}

static enum order_answer ask(void *arg, struct order *order, const struct outcome *found)
{
	struct act *a = arg;
	const bool something = found->tally.results[RESULT_READY] || a->plan.count || a->ends.count;
	struct summary r;

	(void)order;
	progress_end(&a->walk.progress);
	if (interrupt_stop || is_too_much(a, found->tally.results[RESULT_READY]))
		return ORDER_NO;
	if (something && session_can_ask(a->s)) {
		walk_tell_basis(&a->walk, found);
		r = walk_summary(&a->walk);
		r.outcome = found;
		summary_preview(stderr, &r);
		say_blocks(a, stderr);
		standing_tell_ends(&a->ends, stderr);
		(void)block_doubts(a->s, &a->plan, NULL);
		if (!put_question(a, &found->tally))
			return ORDER_NO;
	}
	if (something)
		a->code = begin(a, a->err);
	if (a->code < 0)
		return ORDER_NO;
	/* mail may have come before the rules were in force, or have been held before the end */
	return a->plan.count || a->ends.count ? ORDER_AGAIN : ORDER_GO;
}

/* Mail that an admin deletes or holds must not count as its sender's usual volume. */
static void mark_floods(const struct act *a)
{
	const enum action action = a->walk.order.action;

	if ((action == ACTION_DELETE || action == ACTION_HOLD) && !a->walk.outcome.no_index)
		floods_selected(a->s);
}

static int tell(const struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	struct summary r = walk_summary(&a->walk);

	/* a dry run fails where the order would */
	if (r.dry_run && is_too_much(a, a->walk.outcome.tally.results[RESULT_READY]))
		return EXIT_CANNOT;
	if (r.dry_run && !o->json && !o->quiet) {
		say_blocks(a, stdout);
		standing_tell_ends(&a->ends, stdout);
	}
	int code = walk_tell(&a->walk, err);
	if (code >= 0 && !r.dry_run && !r.outcome->refused)
		mark_floods(a);
	return code == EXIT_DONE && a->not_saved ? EXIT_SOME_FAILED : code;
}

/* Adds the standing order; its rules are in force already. */
static void keep_in_force(struct act *a)
{
	const struct outcome *o = &a->walk.outcome;
	char until[CLOCK_TEXT_SIZE], words[40], command[PATH_MAX + 64];
	struct err err = {{0}};

	if (!a->walk.order.stays || a->walk.order.dry_run || o->refused)
		return;
	if (standing_keep(a->s, o->tally.batch, &a->plan, &err) < 0) {
		complain("%s", err.text);
		a->not_saved = true;
	} else if (!a->s->options.quiet) {
		snprintf(words, sizeof(words), "undo %" PRIu64, o->tally.batch);
		say(a->s->options.json ? stderr : stdout, "In force until %s; '%s' ends it.\n",
		    clock_text(a->s->options.now + a->s->options.rule_for, until, sizeof(until)),
		    session_command(a->s, words, command, sizeof(command)));
	}
}

/* For an undo of standing purges alone: there is nothing to release. */
static int end_only(struct act *a, struct err *err)
{
	const struct options *o = &a->s->options;
	const bool asks = !o->dry_run && session_can_ask(a->s);

	if (asks || (o->dry_run && !o->quiet))
		standing_tell_ends(&a->ends, asks ? stderr : stdout);
	if (o->dry_run)
		return 0;
	if (asks && !put_question(a, &a->walk.outcome.tally)) {
		say(stderr, "Nothing was touched.\n");
		return EXIT_INTERRUPTED;
	}
	return standing_end_all(a->s, &a->ends, stdout, err);
}

static int run(struct act *a, struct err *err)
{
	struct order *order = &a->walk.order;
	int code = check(a, err);

	if (code < 0)
		return code;
	if (a->ends.count > 0 && order->undo_count == 0)
		return end_only(a, err);
	/* ask makes the directory for --save, so there is none without a match; and it ends no
	 * order when another number is wrong */
	if (session_can_ask(a->s) || order->save || a->ends.count ||
	    (a->s->behalf && a->s->behalf->most)) {
		order->ask = ask;
		order->ask_arg = a;
	} else if (!order->dry_run) {
		code = begin(a, err);
	}
	code = code ?: walk_run(&a->walk, err);
	code = code ?: a->code;
	if (code == 0)
		keep_in_force(a);
	return code < 0 ? code : tell(a, err);
}

int verb_act(struct session *s, struct err *err)
{
	const struct options *o = &s->options;
	struct act a = {.s = s, .save = {.name = o->save, .directory = -1}, .err = err};

	walk_init(&a.walk, s, o->requeue ? ACTION_REQUEUE : s->verb->action);
	if (o->save)
		a.walk.order.save = &a.save;
	interrupt_catch();
	int code = run(&a, err);
	walk_release(&a.walk);
	rule_list_release(&a.plan);
	io_close(&a.save.directory);
	standing_ends_release(&a.ends);
	free(a.batches.list);
	return code;
}
