/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "order/order_private.h"

#define SETTLE_TIME (10 * INT64_C(1000000))

/* Takes the steps until one fails; NULL ends the list. */
static int take_steps(struct run *run, order_step *const *steps, struct err *err)
{
	int code = 0;

	for (; *steps && code == 0; steps++)
		code = (*steps)(run, err);
	return code;
}

static struct catchup_task task_of(const struct run *run)
{
	order_await_drop(run->outcome);
	return (struct catchup_task){.settings = run->order->settings,
	    .postfix = &run->looking,
	    .selector = run->order->selector,
	    .notices = run->order->bounces,
	    .indexed = run->indexed,
	    .distrusted = run->distrusted,
	    .dry_run = run->order->untold,
	    .stop = run->order->stop,
	    .progress = run->order->progress,
	    .progress_arg = run->order->progress_arg};
}

int order_read_files(struct run *run, const struct selector *selector, const struct queue_id *ids,
    size_t count, struct caught *ret, struct err *err)
{
	struct catchup_task task = task_of(run);

	task.ids = ids;
	task.id_count = count;
	task.place = run->place;
	task.indexed = !selector && run->indexed && run->certain;
	if (selector)
		task.selector = selector;
	return catchup_run(&task, ret, err);
}

/* Its counts replace those of the previous pass. */
static int take_caught(struct run *run, struct caught *caught, struct err *err)
{
	const struct sync_counts *counts = &caught->counts;
	struct outcome *outcome = run->outcome;

	run->certain = counts->certain;
	run->place = counts->place;
	run->left_to_index = counts->left_to_index;
	run->unchanged =
	    counts->read == 0 && counts->changes != 0 && counts->changes == run->selected;
	outcome->tally.unreadable = counts->unreadable;
	outcome->tally.arriving = counts->arriving;
	outcome->tally.maildrop = counts->maildrop;
	outcome->tally.limits += counts->limits;
	strbuf_release(&outcome->unreadable);
	outcome->unreadable = caught->unreadable;
	caught->unreadable = (struct strbuf){0};
	if (!counts->indexed) {
		outcome->no_index = true;
		if (run->indexed)
			outcome->no_index_why = caught->index_why;
	}
	if (!counts->indexed || counts->elsewhere) {
		outcome->tally.unjoined += counts->unjoined;
		run->indexed = false;
	}
	return order_take(run, &caught->found, err);
}

/* There is no index, or one that we no longer trust. */
static int read_all(struct run *run, struct err *err)
{
	struct catchup_task task = task_of(run);
	struct tally *tally = &run->outcome->tally;
	AUTO(caught_release) struct caught caught = {0};

	task.proven_there = run->touched;
	if (!run->indexed)
		tally->limits = tally->unjoined = 0; /* the catch-up counts them all */
	int code = catchup_run(&task, &caught, err);
	return code ?: take_caught(run, &caught, err);
}

/* By now the index may have more rows, from our reading and from others'. Catch-up does not read
 * files that another process has read, and our first selection may be older than that reading. So
 * we select again, unless nobody has read anything since. If the index no longer answers, or now
 * has damaged rows, we read those files ourselves. */
static int select_again(struct run *run, struct err *err)
{
	bool distrusted = run->distrusted;
	int code = 0;

	if (run->indexed && run->unchanged)
		return 0;
	for (size_t n = 0; n < run->outcome->count; n++)
		run->outcome->items[n].confirmed = false;
	if (run->indexed)
		code = order_select(run, err);
	if (code == 0 && run->left_to_index > 0 && (!run->indexed || run->distrusted != distrusted))
		code = read_all(run, err);
	return code;
}

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
	AUTO(caught_release) struct caught caught = {0};
	int code = catchup_run(&task, &caught, err);

	code = code ?: take_caught(run, &caught, err);
	code = code ?: select_again(run, err);
	if (code == 0)
		mark_refuted(run);
	return code;
}

static order_step *const proving[] = {order_prove, order_resolve, order_prove, order_resolve,
    order_leave_foreign, order_leave_overdue, order_apply_limit, order_count_others, NULL};

static order_step *const looking[] = {
    order_select, catch_up, order_add_unheard, order_decide_unsure, NULL};

static int tell_age(struct run *run, struct err *err)
{
	struct index_counts counts;

	if (!run->indexed) {
		*err = run->outcome->no_index_why;
		return ERR_NO_INDEX;
	}
	int code = client_count(&run->index, &counts, err);
	if (code == 0)
		run->outcome->as_of = counts.caught_up;
	return code;
}

static int believe_index(struct run *run, struct err *err)
{
	const struct selector *s = run->order->selector;

	(void)err;
	for (size_t n = 0; n < run->outcome->count; n++) {
		struct item *item = &run->outcome->items[n];
		struct message m = candidate_message(item->candidate);
		bool sure = s->queues == 0 && !selector_asks_file(s) &&
			    !(item->candidate->matched & MATCHED_UNSURE);

		item->proof.arrival_time = message_arrival(&m);
		item->proof.size = m.queued.size;
		item->result =
		    sure && selector_match_file(s, item->proof.arrival_time, item->proof.size, 0)
			? RESULT_READY
			: RESULT_EXCLUDED;
	}
	return 0;
}

/* undo goes by the account, but only if this is the queue's directory. */
static int find_place(struct run *run, struct err *err)
{
	struct catchup_task task = task_of(run);
	AUTO(caught_release) struct caught caught = {0};

	task.selector = NULL;
	task.notices = false;
	task.held = true;
	int code = catchup_run(&task, &caught, err);
	if (code == 0) {
		run->certain = caught.counts.certain;
		run->place = caught.counts.place;
		run->indexed = caught.counts.indexed && !caught.counts.elsewhere;
	}
	return code;
}

static int look(struct run *run, struct err *err)
{
	static order_step *const undoing[] = {find_place, order_select_undo, NULL};
	static order_step *const from_index[] = {order_select, tell_age, believe_index, NULL};
	int code;

	if (run->order->index_only)
		code = take_steps(run, from_index, err);
	else if (run->order->undo_count > 0)
		code = take_steps(run, undoing, err);
	else
		code = take_steps(run, looking, err);
	if (code == 0 && !run->order->index_only)
		code = take_steps(run, proving, err);
	if (code == 0) {
		order_sort(run->outcome);
		order_tally(run->outcome);
	}
	return code;
}

static int act_on_rest(struct run *run, struct err *err)
{
	static order_step *const acting[] = {order_act, order_resolve, NULL};
	int code = 0;

	if (!order_any(run->outcome, IS_OPEN) || order_stopped(run->order))
		return 0;
	code = take_steps(run, proving, err);
	return code == 0 ? take_steps(run, acting, err) : code;
}

static int act(struct run *run, struct err *err)
{
	static order_step *const acting[] = {order_act, order_resolve, act_on_rest, NULL};
	int code = take_steps(run, acting, err);

	order_drop(run);
	return code;
}

/* Whether to act at once on what the index knows: nothing found later can change it. */
static bool acts_beside_catchup(const struct run *run)
{
	const struct order *o = run->order;

	return run->row->changes && !run->row->only_ours && !o->dry_run && !o->ask &&
	       o->limit == 0 && o->selector->recipient.count == 0;
}

static int finish_beside(struct run *run, struct catchup *c, struct err *err)
{
	static order_step *const steps[] = {
	    select_again, order_add_unheard, order_decide_unsure, order_resolve, NULL};
	AUTO(caught_release) struct caught caught = {0};
	int code = catchup_finish(c, &caught, err);

	/* We deleted all that the index knew before the walk came by. */
	if (code == ERR_INSTANCE && run->touched) {
		struct catchup_task task = task_of(run);

		task.proven_there = true;
		code = catchup_run(&task, &caught, err);
	}
	code = code ?: take_caught(run, &caught, err);
	order_drop(run);
	return code == 0 ? take_steps(run, steps, err) : code;
}

static int pass_beside(struct run *run, struct err *err)
{
	struct catchup c = {0};
	int code = order_select(run, err);

	code = code ?: order_decide_unsure(run, err);
	if (code < 0)
		return code;
	struct catchup_task task = task_of(run);
	code = catchup_start(&c, &task, err);
	code = code ?: order_act(run, err);
	code = code ?: finish_beside(run, &c, err);
	catchup_end(&c);
	return code == 0 ? act(run, err) : code;
}

static enum order_answer ask(struct run *run)
{
	struct order *order = run->order;
	enum order_answer answer = ORDER_GO;

	if (order->ask) {
		answer = order->ask(order->ask_arg, order, run->outcome);
		order->ask = NULL;
		run->approved = answer == ORDER_GO;
	}
	return answer;
}

void order_settle_mail(struct run *run)
{
	struct err err = {{0}}, told;

	order_show(run->order, "waiting for mail in flight", 0, 0);
	int code = client_ask(&run->index, json_request("settle"), SETTLE_TIME, NULL, &err);
	if (code == 0 || code == ERR_NO_DAEMON || code == ERR_STOPPED)
		return;
	err_set(&told, code, "could not wait for mail in flight (%s)",
	    err.text[0] ? err.text : err_word(code));
	order_trouble(run->outcome, &told);
}

static int pass_asking(struct run *run, struct err *err)
{
	int code = look(run, err);

	if (code < 0 || run->order->dry_run || !run->row->changes)
		return code;
	if (order_stopped(run->order))
		return ERR_STOPPED;
	switch (ask(run)) {
	case ORDER_NO:
		run->outcome->refused = true;
		order_leave(run->outcome);
		return 0;
	case ORDER_AGAIN:
		outcome_release(run->outcome);
		order_settle_mail(run);
		return order_pass(run, err);
	case ORDER_GO:
		break;
	}
	return act(run, err);
}

int order_pass(struct run *run, struct err *err)
{
	run->began = clock_wall();
	run->approved = false;
	run->outcome->foreign = run->outcome->overdue = 0;
	order_renew(run->outcome);
	return acts_beside_catchup(run) ? pass_beside(run, err) : pass_asking(run, err);
}
