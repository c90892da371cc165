/* SPDX-License-Identifier: ISC */
/* Second step: each candidate against its queue file, and what only the file knows. */
#include <errno.h>

#include "order/inside.h"

#define PROVE_BATCH 20000 /* messages between two looks at the stop flag; a tenth of a second */

struct looked {
	const struct outcome *outcome;
	const size_t *at;
	struct message message; /* the one asked for last */
};

static const struct message *message_at(void *arg, size_t n)
{
	struct looked *looked = arg;

	looked->message = candidate_message(looked->outcome->items[looked->at[n]].candidate);
	return &looked->message;
}

int order_look_start(const struct order *order, const struct outcome *outcome, const size_t *at,
    size_t count, size_t departed, struct spool_proving **ret, struct err *err)
{
	struct looked looked = {.outcome = outcome, .at = at};

	return spool_prove_start(order->postfix, message_at, &looked, count, departed, ret, err);
}

int order_look(const struct order *order, const struct outcome *outcome, const size_t *at,
    size_t count, struct proof **ret, struct err *err)
{
	struct spool_proving *look = NULL;
	int code = order_look_start(order, outcome, at, count, 0, &look, err);

	return code < 0 ? code : spool_prove_finish(look, ret, err);
}

void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof)
{
	struct err words = {{0}};

	if (proof->error != ERR_SYNTAX)
		err_sys(&words, -proof->error, "its queue file could not be read");
	else
		err_set(&words, 0, "its queue file is damaged");
	order_fail(outcome, item, words.text);
}

/* Of a file that is still too short to say it: the MAIL FROM, which is at most a moment earlier. */
static int64_t arrival_of(const struct item *item)
{
	int64_t arrival = item->proof.arrival_time;

	return arrival < 0 ? candidate_mail_time(item->candidate) : arrival;
}

/* Whether a hold or a release has nothing to do with what lies there. */
static bool is_idle(enum action action, unsigned queue)
{
	return (action == ACTION_HOLD && queue == QUEUE_HOLD) ||
	       (action == ACTION_RELEASE && queue != QUEUE_HOLD);
}

/* The file that is there, if it is meant: by arrival, size and queue, and by what there is to do
 * with it. */
static void judge_file(const struct order *order, struct item *item, enum result meant)
{
	const struct proof *proof = &item->proof;
	bool matches =
	    selector_match_file(order->selector, arrival_of(item), proof->size, proof->queue);

	item->idle = matches && is_idle(order->action, proof->queue);
	item->result = matches && !item->idle ? meant : RESULT_EXCLUDED;
}

void order_judge(const struct order *order, struct outcome *outcome, struct item *item,
    const struct proof *proof)
{
	item->proof = *proof;
	switch ((enum proof_state)proof->state) {
	case PROOF_GONE:
		item->result = RESULT_GONE;
		break;
	case PROOF_CHANGED:
		item->result = RESULT_CHANGED;
		break;
	case PROOF_UNPROVEN:
		judge_file(order, item, RESULT_UNPROVEN);
		break;
	case PROOF_ARRIVING:
	case PROOF_SAME:
		judge_file(order, item, RESULT_READY);
		break;
	case PROOF_ERROR:
		order_fail_look(outcome, item, proof);
		break;
	}
}

static int prove_some(const struct order *order, struct outcome *outcome, const size_t *at,
    size_t count, struct err *err)
{
	struct proof *proofs = NULL;
	int code = order_look(order, outcome, at, count, &proofs, err);

	if (code < 0)
		return code;
	for (size_t n = 0; n < count; n++)
		order_judge(order, outcome, &outcome->items[at[n]], &proofs[n]);
	free(proofs);
	return 0;
}

static int by_age(const void *a, const void *b, void *arg)
{
	const struct outcome *outcome = arg;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_time = arrival_of(&outcome->items[left]);
	int64_t right_time = arrival_of(&outcome->items[right]);

	if (left_time != right_time)
		return left_time < right_time ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Of what is ready only the oldest `limit` stay. at has room for all positions. */
static void apply_limit(const struct order *order, struct outcome *outcome, size_t *at)
{
	size_t count = 0;

	if (order->limit == 0)
		return;
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_READY)
			at[count++] = n;
	if (count <= order->limit)
		return;
	qsort_r(at, count, sizeof(*at), by_age, outcome);
	for (size_t n = order->limit; n < count; n++)
		outcome->items[at[n]].result = RESULT_EXCLUDED;
}

int order_prove(const struct order *order, struct outcome *outcome, struct err *err)
{
	size_t *at = calloc(outcome->count ? outcome->count : 1, sizeof(*at));
	size_t count = 0, part;
	int code = 0;

	if (!at)
		return err_sys(err, ENOMEM, "failed to prove %zu messages", outcome->count);
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_NONE)
			at[count++] = n;
	for (size_t n = 0; code == 0 && n < count && !order_stopped(order); n += part) {
		part = count - n < PROVE_BATCH ? count - n : PROVE_BATCH;
		code = prove_some(order, outcome, at + n, part, err);
	}
	if (code == 0) {
		apply_limit(order, outcome, at);
		if (order_stopped(order))
			order_leave(outcome);
		order_judge_changed(order, outcome);
	}
	order_tally(outcome);
	free(at);
	return code;
}
