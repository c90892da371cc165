/* SPDX-License-Identifier: ISC */
/* The conductor: passes over the queue, the question, the account. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "order/inside.h"

/* Between two passes, so that an idle queue is not looked at without pause. */
#define PAUSE_MS 100
/* Passes that find messages and get nothing done; each has waited for what was still arriving. */
#define FRUITLESS_MAX 3
#define PASSES_MAX    6000
#define SWEEP_TIME    (600 * USEC_PER_SEC)
#define SETTLE_TIME   (10 * USEC_PER_SEC)

/* ---- the catch-up of a pass */

static struct catchup_task task_of(const struct run *run)
{
	return (struct catchup_task){.settings = run->order->settings,
	    .postfix = &run->looking,
	    .selector = run->order->selector,
	    .notices = run->order->bounces,
	    .indexed = run->indexed,
	    .distrusted = run->distrusted,
	    .stop = run->order->stop,
	    .progress = run->order->progress,
	    .progress_arg = run->order->progress_arg};
}

static void take_unreadable(struct outcome *outcome, struct caught *caught)
{
	strbuf_release(&outcome->unreadable);
	outcome->unreadable = caught->unreadable;
	caught->unreadable = (struct strbuf){0};
}

/* Its counts are of the queue as it is now, so those of the pass before do not count. */
static int take_caught(struct run *run, struct caught *caught, struct err *err)
{
	const struct caught_counts *counts = &caught->counts;
	struct outcome *outcome = run->outcome;

	run->certain = counts->certain;
	run->place = counts->place;
	outcome->tally.unreadable = counts->unreadable;
	outcome->tally.arriving = counts->arriving;
	outcome->tally.maildrop = counts->maildrop;
	outcome->tally.limits += counts->limits;
	take_unreadable(outcome, caught);
	if (!counts->indexed) {
		outcome->tally.unjoined += counts->unjoined;
		outcome->no_index = true;
		if (run->indexed)
			outcome->no_index_why = caught->index_why;
		run->indexed = false;
	}
	return order_take(run, &caught->found, err);
}

/* The index once more: what others read meanwhile, and what it now knows of what was read. */
static int select_again(struct run *run, struct err *err)
{
	for (size_t n = 0; n < run->outcome->count; n++)
		run->outcome->items[n].confirmed = false;
	return run->indexed ? order_select(run, err) : 0;
}

/* Rows whose file had not been read, and that are not meant any more now that it was. */
static void mark_refuted(struct run *run)
{
	for (size_t n = 0; run->indexed && n < run->outcome->count; n++) {
		struct item *item = &run->outcome->items[n];
		struct message m = candidate_message(item->candidate);

		item->refuted = item->fresh && !item->confirmed && !m.queued.known;
	}
}

static int catch_up(struct run *run, struct err *err)
{
	struct catchup_task task = task_of(run);
	struct caught caught = {0};
	int code = catchup_run(&task, &caught, err);

	if (code == 0)
		code = take_caught(run, &caught, err);
	caught_release(&caught);
	if (code == 0)
		code = select_again(run, err);
	if (code == 0)
		mark_refuted(run);
	return code;
}

/* ---- looking first */

static bool any_open(const struct outcome *outcome)
{
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_NONE)
			return true;
	return false;
}

/* LIST: how old the answer is. */
static int tell_age(struct run *run, struct err *err)
{
	struct index_counts counts;
	int code;

	if (!run->indexed) {
		*err = run->outcome->no_index_why;
		return ERR_NO_INDEX;
	}
	code = client_count(&run->index, &counts, NULL, err);
	if (code == 0)
		run->outcome->as_of = counts.caught_up;
	return code;
}

static int select_all(struct run *run, struct err *err)
{
	int code;

	if (run->order->undo_count > 0)
		return order_select_undo(run, err);
	code = order_select(run, err);
	if (code == 0)
		code = run->order->index_only ? tell_age(run, err) : catch_up(run, err);
	if (code < 0 || run->order->index_only)
		return code;
	if (run->order->selector->ids_given)
		code = order_add_unheard(run, err);
	return code == 0 ? order_decide_unsure(run, err) : code;
}

/* What may be acted on of what is proven. */
static int narrow(struct run *run, struct err *err)
{
	int code = order_leave_foreign(run, err);

	if (code == 0)
		code = order_leave_overdue(run, err);
	return code == 0 ? order_apply_limit(run, err) : code;
}

static int prove_all(struct run *run, struct err *err)
{
	int code = order_prove(run, err);

	if (code == 0)
		code = order_resolve(run, err);
	if (code == 0 && any_open(run->outcome)) {
		code = order_prove(run, err);
		if (code == 0)
			code = order_resolve(run, err);
	}
	return code == 0 ? narrow(run, err) : code;
}

/* From the index alone: it is not looked whether they are there. */
static void believe_all(struct run *run)
{
	const struct selector *s = run->order->selector;

	for (size_t n = 0; n < run->outcome->count; n++) {
		struct item *item = &run->outcome->items[n];
		struct message m = candidate_message(item->candidate);

		item->proof.arrival_time = message_arrival(&m);
		item->proof.size = m.queued.size;
		item->result =
		    s->queues == 0 && !(item->candidate->matched & MATCHED_UNSURE) &&
			    selector_match_file(s, item->proof.arrival_time, item->proof.size, 0)
			? RESULT_READY
			: RESULT_EXCLUDED;
	}
}

static int look(struct run *run, struct err *err)
{
	int code = select_all(run, err);

	if (code == 0 && run->order->index_only)
		believe_all(run);
	else if (code == 0)
		code = prove_all(run, err);
	if (code == 0) {
		order_sort(run->outcome);
		order_tally(run->outcome);
	}
	return code;
}

/* What changed while it was acted on. */
static int act_on_rest(struct run *run, struct err *err)
{
	int code = order_resolve(run, err);

	if (code == 0 && any_open(run->outcome) && !order_stopped(run->order)) {
		code = prove_all(run, err);
		if (code == 0)
			code = order_act(run, err);
		if (code == 0)
			code = order_resolve(run, err);
	}
	return code;
}

static int act(struct run *run, struct err *err)
{
	int code = order_act(run, err);

	if (code == 0)
		code = act_on_rest(run, err);
	order_drop(run);
	return code;
}

/* ---- looking beside */

/* Whether deletion may begin with what the index knows: nothing that is found later bears on it. */
static bool is_beside(const struct run *run)
{
	const struct order *o = run->order;

	return run->row->changes && !run->row->only_ours && !o->dry_run && !o->ask &&
	       o->limit == 0 && o->selector->recipient.count == 0;
}

static int finish_catchup(struct run *run, struct catchup *c, struct caught *ret, struct err *err)
{
	int code = catchup_finish(c, ret, err);

	/* All that it knew there was deleted before the walk came by. */
	if (code == ERR_INSTANCE && run->touched) {
		struct catchup_task task = task_of(run);

		task.proven_there = true;
		code = catchup_run(&task, ret, err);
	}
	return code;
}

static int finish_beside(struct run *run, struct catchup *c, struct err *err)
{
	struct caught caught = {0};
	int code = finish_catchup(run, c, &caught, err);

	if (code == 0)
		code = take_caught(run, &caught, err);
	caught_release(&caught);
	order_drop(run);
	if (code == 0)
		code = select_again(run, err);
	if (code == 0 && run->order->selector->ids_given)
		code = order_add_unheard(run, err);
	if (code == 0)
		code = order_resolve(run, err);
	return code;
}

static int pass_beside(struct run *run, struct err *err)
{
	struct catchup_task task;
	struct catchup c = {0};
	int code = order_select(run, err);

	if (code < 0)
		return code;
	task = task_of(run);
	code = catchup_start(&c, &task, err);
	if (code == 0)
		code = order_act(run, err);
	if (code == 0)
		code = finish_beside(run, &c, err);
	catchup_end(&c);
	return code == 0 ? act(run, err) : code;
}

/* ---- passes */

/* The answer to the question; ORDER_GO where nobody is asked. */
static enum order_answer ask(struct run *run)
{
	struct order *order = run->order;
	enum order_answer answer = ORDER_GO;

	if (order->ask) {
		answer = order->ask(order->ask_arg, order, run->outcome);
		order->ask = NULL;
		run->asked = answer == ORDER_GO;
	}
	return answer;
}

/*
 * Waits until the daemon has recorded, or given up, all that was at its end of message: what was
 * judged before a rule came into force, and is not in the index yet, is seen by the pass that comes
 * now. A slow DATA is not waited for; it meets the rule at its end.
 */
static void settle(struct run *run)
{
	struct json *request = json_new();
	struct err err = {{0}}, told;
	int code;

	json_put_text(request, "do", "settle");
	code = client_ask(&run->index, request, SETTLE_TIME, NULL, &err);
	if (code == 0 || code == ERR_NO_DAEMON || code == ERR_STOPPED)
		return;
	err_set(&told, code, "could not wait for mail in flight (%s)",
	    err.text[0] ? err.text : err_word(code));
	order_trouble(run->outcome, &told);
}

static int pass(struct run *run, struct err *err)
{
	int code;

	run->began = clock_wall();
	order_renew(run->outcome);
	if (is_beside(run))
		return pass_beside(run, err);
	code = look(run, err);
	if (code < 0 || order_stopped(run->order) || run->order->dry_run || !run->row->changes)
		return code;
	switch (ask(run)) {
	case ORDER_NO:
		run->outcome->refused = true;
		order_leave(run->outcome);
		return 0;
	case ORDER_AGAIN:
		outcome_release(run->outcome);
		settle(run);
		return pass(run, err);
	case ORDER_GO:
		break;
	}
	return act(run, err);
}

/* What a pass found, for the decision to go on. */
enum found { FOUND_NOTHING, FOUND_STUCK, FOUND_SOME };

static enum found found_by(const struct outcome *outcome)
{
	enum found found = FOUND_NOTHING;

	for (size_t n = 0; n < outcome->count && found != FOUND_SOME; n++) {
		const struct item *item = &outcome->items[n];

		if (item->fresh && item->result == RESULT_DONE)
			found = FOUND_SOME;
		else if (item->fresh && item->result == RESULT_FAILED)
			found = FOUND_STUCK;
	}
	return found;
}

static bool is_over(const struct run *run)
{
	return order_stopped(run->order) || run->outcome->refused || !run->order->sweep ||
	       run->order->dry_run || !run->row->changes;
}

/* The last pass begins a pause after the first, so at least two are made. */
static int sweep(struct run *run, struct err *err)
{
	int64_t deadline = clock_steady() + SWEEP_TIME;
	struct outcome *outcome = run->outcome;
	enum found found = FOUND_SOME;
	unsigned fruitless = 0;
	int code = 0;

	outcome->passes = 1;
	while (code == 0 && !order_stopped(run->order) && !outcome->sweep_cut) {
		poll(NULL, 0, PAUSE_MS);
		settle(run);
		code = pass(run, err);
		outcome->passes++;
		found = found_by(outcome);
		fruitless = found == FOUND_STUCK ? fruitless + 1 : 0;
		if (code < 0 || found == FOUND_NOTHING || fruitless == FRUITLESS_MAX)
			break;
		outcome->sweep_cut = outcome->passes >= PASSES_MAX || clock_steady() > deadline;
	}
	outcome->interrupted |= order_stopped(run->order) && found != FOUND_NOTHING;
	return code;
}

static int run_all(struct run *run, struct err *err)
{
	int code;

	if (run->order->rules_set > 0)
		settle(run);
	code = pass(run, err);
	return code == 0 && !is_over(run) ? sweep(run, err) : code;
}

/* Whether something was not got to. */
static bool is_left(const struct run *run)
{
	bool acts = run->row->changes && !run->order->dry_run;

	for (size_t n = 0; n < run->outcome->count; n++) {
		enum result result = run->outcome->items[n].result;

		if (result == RESULT_NONE || (acts && result == RESULT_READY))
			return true;
	}
	return false;
}

/* What was begun is told, whatever stopped it. */
static void end(struct run *run, int code, const struct err *why)
{
	struct outcome *outcome = run->outcome;

	if (code < 0 && code != ERR_STOPPED)
		order_trouble(outcome, why);
	outcome->interrupted |= code == ERR_STOPPED;
	if (code < 0 || is_left(run))
		order_leave(outcome);
	order_sort(outcome);
	order_tally(outcome);
	if (outcome->refused)
		outcome->accounted = true;
	else
		order_account_end(run);
}

/* Nothing was touched, and nothing is told but why; a batch that was begun says so, too. */
static void fail(struct run *run, struct err *err, const struct err *why)
{
	order_leave(run->outcome);
	if (run->account)
		order_account_end(run);
	outcome_release(run->outcome);
	if (err)
		*err = *why;
}

int order_run(struct order *order, struct outcome *ret, struct err *err)
{
	struct outcome outcome = {0};
	struct run run = {.order = order,
	    .outcome = &outcome,
	    .row = &action_rows[order->action],
	    .looking = *order->postfix,
	    .index = {.settings = order->settings, .stop = order->stop},
	    .indexed = true};
	struct err why = {{0}};
	int code;

	run.looking.stop = order->stop;
	code =
	    order_memory(&outcome) ? run_all(&run, &why) : err_sys(&why, ENOMEM, "failed to begin");
	if (code < 0 && code != ERR_STOPPED && !run.touched) {
		fail(&run, err, &why);
	} else {
		end(&run, code, &why);
		code = 0;
		*ret = outcome;
	}
	account_close(run.account);
	fact_table_release(&run.reasons);
	return code;
}
