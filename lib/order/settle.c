/* SPDX-License-Identifier: ISC */
/*
 * What became of a message that was handed to postsuper: its words, and a look since then, decide
 * together. Words alone are not believed where a look can be had, and what happened without words
 * is not claimed.
 */
#include <errno.h>

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

/* postsuper did not say that it did it. */
static enum settled settle_unsaid(const struct action_row *row, struct outcome *outcome,
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
	if (after->queue & row->needs) {
		item->idle = true; /* somebody else held or released it */
		return settle(item, RESULT_EXCLUDED);
	}
	if (!last)
		return SETTLE_AGAIN;
	if (after->queue & row->unable)
		return fail(outcome, item, row->cut_short);
	return fail(outcome, item, complaint[0] ? complaint : "postsuper did not see it");
}

/*
 * postsuper said that it did it. What it released may be delivered by now, and the name even used
 * again; what it deleted likewise leaves the name free. What it held must be in hold.
 */
static enum settled settle_said(const struct action_row *row, struct outcome *outcome,
    struct item *item, const struct proof *after)
{
	switch ((enum proof_state)after->state) {
	case PROOF_GONE:
		return settle(item, row->stays ? RESULT_GONE : RESULT_DONE);
	case PROOF_CHANGED:
		return settle(item, row->stays ? RESULT_CHANGED : RESULT_DONE);
	case PROOF_UNPROVEN:
		return settle(item, row->stays ? RESULT_UNPROVEN : RESULT_DONE);
	case PROOF_ERROR:
		order_fail_look(outcome, item, after);
		return SETTLED;
	case PROOF_ARRIVING:
	case PROOF_SAME:
		break;
	}
	if (after->queue & row->needs)
		return settle(item, RESULT_DONE);
	return fail(outcome, item, row->failed);
}

/* A directory that mail_owner cannot search cannot have taken in what was proven elsewhere. */
static bool is_hidden(const struct proof *proof)
{
	return proof->state == PROOF_ERROR && proof->error == -EACCES && proof->queue == 0;
}

enum settled order_settle(const struct action_row *row, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint)
{
	static const struct proof gone = {.state = PROOF_GONE, .arrival_time = -1, .size = -1};

	keep_look(item, after);
	if (is_hidden(after))
		after = &gone;
	if (said)
		return settle_said(row, outcome, item, after);
	return settle_unsaid(row, outcome, item, after, last, complaint);
}
