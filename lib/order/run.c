/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "order/order_private.h"

#define PAUSE_MS      100 /* between two passes */
#define FRUITLESS_MAX 3   /* passes in a row that find messages but achieve nothing */
#define PASSES_MAX    6000
#define SWEEP_TIME    (600 * USEC_PER_SEC)

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

/* Each further pass begins after a pause, and there is at least one. */
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
		order_settle_mail(run);
		code = order_pass(run, err);
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
	if (run->order->rules_set > 0)
		order_settle_mail(run);
	int code = order_pass(run, err);
	return code == 0 && !is_over(run) ? sweep(run, err) : code;
}

static bool is_left(const struct run *run)
{
	bool acts = run->row->changes && !run->order->dry_run;

	return order_any(run->outcome, acts ? IS_OPEN | IS_READY : IS_OPEN);
}

static void tell_doubted(struct outcome *outcome)
{
	unsigned long long count = 0;
	struct err err = {{0}};

	for (size_t n = 0; n < outcome->count; n++)
		count += outcome->items[n].doubted;
	if (count == 0)
		return;
	err_set(&err, 0, "%llu %s a subject or reasons that could not be read whole; left alone",
	    count, count == 1 ? "message has" : "messages have");
	order_trouble(outcome, &err);
}

static void end(struct run *run, int code, const struct err *why)
{
	struct outcome *outcome = run->outcome;

	if (code < 0 && code != ERR_STOPPED)
		order_trouble(outcome, why);
	outcome->interrupted |= code == ERR_STOPPED;
	if (code < 0 || is_left(run))
		order_leave(outcome);
	order_tally(outcome);
	tell_doubted(outcome);
	if (outcome->refused)
		outcome->accounted = true;
	else
		order_account_end(run);
	order_sort(outcome);
}

/* Nothing was touched: ends a batch that was begun, and returns why. */
static void fail(struct run *run, struct err *err, const struct err *why)
{
	order_leave(run->outcome);
	run->outcome->interrupted = order_stopped(run->order);
	if (run->writer)
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
	    .facts = {.login_exact = order->settings->login_exact},
	    .indexed = true};
	struct err why = {{0}};
	int code;

	run.looking.stop = order->stop;
	code = run_all(&run, &why);
	if (code < 0 && code != ERR_STOPPED && !run.touched) {
		fail(&run, err, &why);
	} else {
		end(&run, code, &why);
		code = 0;
		*ret = outcome;
	}
	writer_close(run.writer);
	facts_release(&run.facts);
	account_entries_release(&run.doubt);
	return code;
}
