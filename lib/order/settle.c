/* SPDX-License-Identifier: ISC */
/*
 * What became of a message that was handed to postsuper: its words, and a look since then, decide
 * together. Words alone are not believed where a look can be had, and what happened without words
 * is not claimed.
 */
#include "order/inside.h"

/* Keeps what the file said of itself when it is no longer there to say it. */
static void keep_look(struct item *item, const struct proof *after)
{
	if (after->state == PROOF_SAME || after->state == PROOF_ARRIVING)
		item->proof = *after;
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

/* The file is there, and it is ours: did the action have its effect on it? */
static bool took_effect(enum action action, unsigned queue)
{
	switch (action) {
	case ACTION_HOLD:
		return queue == QUEUE_HOLD;
	case ACTION_RELEASE:
		return queue != QUEUE_HOLD;
	case ACTION_DELETE:
	case ACTION_LIST:
		break;
	}
	return false;
}

/* postsuper did not say that it did it. */
static enum settled settle_unsaid(const struct order *order, struct outcome *outcome,
    struct item *item, const struct proof *after, bool last, const char *complaint)
{
	switch ((enum proof_state)after->state) {
	case PROOF_GONE:
		return settle(item, RESULT_GONE);
	case PROOF_CHANGED:
		return settle(item, RESULT_CHANGED);
	case PROOF_UNPROVEN:
		return settle(item, RESULT_UNPROVEN);
	case PROOF_ARRIVING:
		return SETTLE_WAIT;
	case PROOF_ERROR:
		order_fail_look(outcome, item, after);
		return SETTLED;
	case PROOF_SAME:
		break;
	}
	if (took_effect(order->action, after->queue)) {
		item->idle = true; /* somebody else held or released it */
		return settle(item, RESULT_EXCLUDED);
	}
	if (!last)
		return SETTLE_AGAIN;
	if (order->action == ACTION_HOLD && after->queue == QUEUE_MAILDROP)
		return fail(outcome, item, "it lies in maildrop, where nothing can be held");
	return fail(outcome, item, complaint[0] ? complaint : "postsuper did not see it");
}

/*
 * postsuper said that it did it. What it released may be delivered by now, and the name even used
 * again; what it deleted likewise leaves the name free. What it held must be in hold.
 */
static enum settled settle_said(const struct order *order, struct outcome *outcome,
    struct item *item, const struct proof *after)
{
	bool held = order->action == ACTION_HOLD;

	switch ((enum proof_state)after->state) {
	case PROOF_GONE:
		return settle(item, held ? RESULT_GONE : RESULT_DONE);
	case PROOF_CHANGED:
		return settle(item, held ? RESULT_CHANGED : RESULT_DONE);
	case PROOF_UNPROVEN:
		return settle(item, held ? RESULT_UNPROVEN : RESULT_DONE);
	case PROOF_ERROR:
		order_fail_look(outcome, item, after);
		return SETTLED;
	case PROOF_ARRIVING:
	case PROOF_SAME:
		break;
	}
	if (took_effect(order->action, after->queue))
		return settle(item, RESULT_DONE);
	if (order->action == ACTION_DELETE)
		return fail(
		    outcome, item, "postsuper said that it removed it, but it is still there");
	return fail(outcome, item, "postsuper said that it moved it, but it is where it was");
}

enum settled order_settle(const struct order *order, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint)
{
	keep_look(item, after);
	if (said)
		return settle_said(order, outcome, item, after);
	return settle_unsaid(order, outcome, item, after, last, complaint);
}
