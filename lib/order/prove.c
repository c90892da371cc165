/* SPDX-License-Identifier: ISC */
/* Each candidate against its queue file, and what only the file knows. */
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

int order_look_start(struct run *run, const struct postfix *p, const size_t *at, size_t count,
    size_t departed, struct spool_proving **ret, struct err *err)
{
	struct looked looked = {.outcome = run->outcome, .at = at};

	return spool_prove_start(p, message_at, &looked, count, departed, ret, err);
}

/* For undo the account has the identity: the queue ID and the time of arrival. */
static void judge_by_arrival(const struct item *item, struct proof *proof)
{
	struct message m = candidate_message(item->candidate);
	bool same = proof->arrival_time == m.queued.arrival_time;

	if (proof->state == PROOF_SAME && !same)
		proof->state = PROOF_CHANGED;
	else if ((proof->state == PROOF_CHANGED || proof->state == PROOF_UNPROVEN) && same)
		proof->state = PROOF_SAME;
}

int order_look_finish(struct run *run, struct spool_proving *look, const size_t *at, size_t count,
    struct proof **ret, struct err *err)
{
	int code = spool_prove_finish(look, ret, err);

	for (size_t n = 0; code == 0 && run->order->undo_count > 0 && n < count; n++)
		judge_by_arrival(&run->outcome->items[at[n]], &(*ret)[n]);
	return code;
}

int order_look(struct run *run, const size_t *at, size_t count, struct proof **ret, struct err *err)
{
	struct spool_proving *look = NULL;
	int code = order_look_start(run, &run->looking, at, count, 0, &look, err);

	return code < 0 ? code : order_look_finish(run, look, at, count, ret, err);
}

/* The file that is there, if it is meant: by arrival, size and queue, and by what there is to do
 * with it. */
static void judge_file(const struct run *run, struct item *item, enum result meant)
{
	const struct proof *proof = &item->proof;
	bool matches = selector_match_file(
			   run->order->selector, order_arrival(item), proof->size, proof->queue) &&
		       !(item->refuted && meant == RESULT_READY);

	item->idle = matches && (proof->queue & run->row->idle);
	item->result = matches && !item->idle ? meant : RESULT_EXCLUDED;
}

void order_judge(struct run *run, struct item *item, const struct proof *proof)
{
	/* Of what has left the last look at its file is kept. */
	if (proof->state != PROOF_GONE)
		item->proof = *proof;
	switch ((enum proof_state)proof->state) {
	case PROOF_GONE:
		item->result = RESULT_GONE;
		break;
	case PROOF_CHANGED:
		item->result = RESULT_CHANGED;
		break;
	case PROOF_UNPROVEN:
		judge_file(run, item, RESULT_UNPROVEN);
		break;
	case PROOF_ARRIVING:
	case PROOF_SAME:
		judge_file(run, item, RESULT_READY);
		break;
	case PROOF_ERROR:
		order_fail_look(run->outcome, item, proof);
		break;
	}
}

static int prove_some(struct run *run, const size_t *at, size_t count, struct err *err)
{
	struct proof *proofs = NULL;
	int code = order_look(run, at, count, &proofs, err);

	for (size_t n = 0; code == 0 && n < count; n++)
		order_judge(run, &run->outcome->items[at[n]], &proofs[n]);
	free(proofs);
	return code;
}

int order_prove(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	size_t *at = calloc(outcome->count + 1, sizeof(*at));
	size_t count = 0, part;
	int code = 0;

	if (!at)
		return err_sys(err, ENOMEM, "failed to prove %zu messages", outcome->count);
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_NONE)
			at[count++] = n;
	for (size_t n = 0; code == 0 && n < count && !order_stopped(run->order); n += part) {
		part = count - n < PROVE_BATCH ? count - n : PROVE_BATCH;
		code = prove_some(run, at + n, part, err);
		if (run->order->progress)
			run->order->progress(run->order->progress_arg, "proving", n + part, count);
	}
	free(at);
	return code;
}

static int by_age(const void *a, const void *b, void *arg)
{
	const struct outcome *outcome = arg;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_time = order_arrival(&outcome->items[left]);
	int64_t right_time = order_arrival(&outcome->items[right]);

	if (left_time != right_time)
		return left_time < right_time ? -1 : 1;
	return left < right ? -1 : left > right;
}

int order_apply_limit(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	size_t *at, count = 0, room = run->order->limit;

	if (room == 0)
		return 0;
	at = calloc(outcome->count + 1, sizeof(*at));
	if (!at)
		return err_sys(err, ENOMEM, "failed to find the oldest messages");
	for (size_t n = 0; n < outcome->count; n++) {
		/* What a pass before did is among them. */
		room -= outcome->items[n].result == RESULT_DONE && room > 0;
		if (outcome->items[n].result == RESULT_READY)
			at[count++] = n;
	}
	qsort_r(at, count, sizeof(*at), by_age, outcome);
	for (size_t n = room; n < count; n++)
		outcome->items[at[n]].result = RESULT_EXCLUDED;
	free(at);
	return 0;
}
