/* SPDX-License-Identifier: ISC */
/* Compares each candidate with its queue file, before and after an action. We neither believe
 * postsuper's words alone, nor claim what it did not report. */
#include "order/order_private.h"

#define PROVE_BATCH 20000 /* messages between two looks at the stop flag; a tenth of a second */

struct looked {
	const struct outcome *outcome;
	const size_t *at;
	struct message message; /* of the last call */
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

	return spool_prove_start(p, message_at, &looked, count, departed, order_queue(run),
	    run->order->selector, ret, err);
}

/* For undo the identity is queue ID and time of arrival, from the account. In order_queue a file of
 * the same ID and arrival is what was asked for, though the row is that of a copy elsewhere. */
static void judge_by_arrival(const struct run *run, const struct item *item, struct proof *proof)
{
	struct message m = candidate_message(item->candidate);
	bool same = m.queued.known && proof->arrival_time == m.queued.arrival_time;
	bool undoes = run->order->undo_count > 0;

	if (proof->state == PROOF_SAME && !same && undoes)
		proof->state = PROOF_CHANGED;
	else if ((proof->state == PROOF_CHANGED || proof->state == PROOF_UNPROVEN) && same &&
		 (undoes || proof->queue == order_queue(run)))
		proof->state = PROOF_SAME;
}

int order_look_finish(struct run *run, struct spool_proving *look, const size_t *at, size_t count,
    struct proof **ret, int64_t *ret_since, struct err *err)
{
	int code = spool_prove_finish(look, ret, ret_since, err);

	for (size_t n = 0; code == 0 && order_queue(run) && n < count; n++)
		judge_by_arrival(run, &run->outcome->items[at[n]], &(*ret)[n]);
	return code;
}

int order_look(struct run *run, const size_t *at, size_t count, struct proof **ret, struct err *err)
{
	struct spool_proving *look = NULL;
	int code = order_look_start(run, &run->looking, at, count, 0, &look, err);

	return code < 0 ? code : order_look_finish(run, look, at, count, ret, NULL, err);
}

static const enum result result_of[] = {[PROOF_GONE] = RESULT_GONE,
    [PROOF_CHANGED] = RESULT_CHANGED,
    [PROOF_UNPROVEN] = RESULT_UNPROVEN,
    [PROOF_ARRIVING] = RESULT_READY,
    [PROOF_SAME] = RESULT_READY};

/* The file's header and defer log match. An arriving message comes later: it has no reasons yet. */
static bool is_asked_for(struct run *run, struct item *item, const struct proof *proof)
{
	const struct selector *s = run->order->selector;
	struct tally *tally = &run->outcome->tally;

	if (!selector_asks_file(s))
		return true;
	if (proof->state == PROOF_ARRIVING)
		return s->why.count == 0 && run->row->changes && !run->order->dry_run;
	tally->limits += proof->limited && !item->limited;
	item->limited |= proof->limited != 0;
	tally->undecided += proof->asked == ASKED_UNSURE && !item->doubted;
	item->doubted |= proof->asked == ASKED_UNSURE;
	return proof->asked == ASKED_YES;
}

/* Postfix moves files, and never copies them; but somebody may have restored a backup over a queue
 * whose mail had moved on. postsuper takes one of the two. */
static bool is_copy(const struct item *item, const struct proof *proof)
{
	bool another = proof->state == PROOF_CHANGED || proof->state == PROOF_UNPROVEN ||
		       (proof->state == PROOF_SAME && proof->inode != item->proof.inode);

	return another && proof->arrival_time > 0 &&
	       proof->arrival_time == item->proof.arrival_time;
}

void order_judge(struct run *run, struct item *item, const struct proof *found)
{
	const struct selector *s = run->order->selector;
	struct proof copy = *found;
	const struct proof *proof = &copy;

	if (item->copied && is_copy(item, proof))
		copy.state = PROOF_SAME;
	else if (item->copied && proof->state != PROOF_ERROR)
		copy.state = PROOF_GONE;
	bool is_there = proof->state == PROOF_UNPROVEN || proof->state == PROOF_ARRIVING ||
			proof->state == PROOF_SAME;

	if (proof->state != PROOF_GONE)
		item->proof = *proof;
	if (proof->state == PROOF_ERROR) {
		order_fail_look(run->outcome, item, proof);
		return;
	}
	item->result = item->copied && !is_there ? RESULT_DONE : result_of[proof->state];
	if (!is_there)
		return;
	bool meant = selector_match_file(s, order_arrival(item), proof->size, proof->queue) &&
		     is_asked_for(run, item, proof) &&
		     !(item->refuted && item->result == RESULT_READY);
	item->idle = meant && (proof->queue & run->row->idle);
	if (!meant || item->idle)
		item->result = item->copied ? RESULT_DONE : RESULT_EXCLUDED;
}

static int prove_some(struct run *run, const size_t *at, size_t count, struct err *err)
{
	AUTO(free_local) struct proof *proofs = NULL;
	int code = order_look(run, at, count, &proofs, err);

	for (size_t n = 0; code == 0 && n < count; n++)
		order_judge(run, &run->outcome->items[at[n]], &proofs[n]);
	return code;
}

int order_prove(struct run *run, struct err *err)
{
	const struct order *order = run->order;
	AUTO(chosen_release) struct chosen c = {0};
	int code = order_choose(run->outcome, IS_OPEN, NULL, &c, err);

	for (size_t n = 0, part; code == 0 && n < c.count && !order_stopped(order); n += part) {
		part = c.count - n < PROVE_BATCH ? c.count - n : PROVE_BATCH;
		order_show(order, "proving", n, c.count);
		code = prove_some(run, c.at + n, part, err);
	}
	return code;
}

/* Postfix cannot have moved a proven file to a directory that mail_owner cannot search. */
static bool is_hidden(const struct proof *proof)
{
	return proof->state == PROOF_ERROR && proof->error == -EACCES && proof->queue == 0;
}

static enum settled settle(struct item *item, enum result result)
{
	item->result = result;
	return SETTLED;
}

static enum settled fail(struct outcome *outcome, struct item *item, const char *words)
{
	order_fail(outcome, item, words);
	return SETTLED;
}

/* The file is there, and postsuper did not report it as done. */
static enum settled settle_unsaid(const struct action_row *row, struct outcome *outcome,
    struct item *item, const struct proof *after, bool last, const char *complaint)
{
	if (after->state == PROOF_ARRIVING)
		return SETTLE_WAIT;
	if (after->queue & row->needs) {
		item->idle = true; /* somebody else held or released it */
		return settle(item, RESULT_EXCLUDED);
	}
	if (!last)
		return SETTLE_AGAIN;
	if (after->queue & row->unable)
		return fail(outcome, item, row->cut_short);
	return fail(outcome, item, complaint[0] ? complaint : "postsuper did not see the message");
}

/* A message that postsuper released may be delivered by now, and its name reused; so may the name
 * of a deleted one. A message that it held must be in hold. */
enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint)
{
	enum proof_state state = is_hidden(after) ? PROOF_GONE : (enum proof_state)after->state;

	if (state == PROOF_ERROR) {
		order_fail_look(outcome, item, after);
		return SETTLED;
	}
	if (said && row->leaves && !row->needs && is_copy(item, after)) {
		item->copied = true;
		return SETTLE_AGAIN;
	}
	if (state == PROOF_GONE || state == PROOF_CHANGED || state == PROOF_UNPROVEN)
		return settle(item, said && !row->stays ? RESULT_DONE : result_of[state]);
	item->proof = *after;
	if (!said)
		return settle_unsaid(row, outcome, item, after, last, complaint);
	if (after->queue & row->needs)
		return settle(item, RESULT_DONE);
	return fail(outcome, item, row->failed);
}

int order_apply_limit(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	size_t room = run->order->limit;
	AUTO(chosen_release) struct chosen c = {0};
	int code = room == 0 ? 0 : order_choose_oldest(outcome, IS_READY, &c, err);

	if (room == 0 || code < 0)
		return code;
	/* Messages of earlier passes count, too. */
	for (size_t n = 0; n < outcome->count; n++)
		room -= outcome->items[n].result == RESULT_DONE && room > 0;
	for (size_t n = room; n < c.count; n++)
		outcome->items[c.at[n]].result = RESULT_EXCLUDED;
	return 0;
}
