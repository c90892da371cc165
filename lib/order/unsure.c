/* SPDX-License-Identifier: ISC */
/*
 * Candidates with more recipients than were recorded, where these decide: their queue files have
 * them all. What a child hands over for each that it could read and that is the recorded message:
 * u32 position, u32 matched, u32 limits, u32 other recipients.
 */
#include <errno.h>

#include "order/inside.h"
#include "postfix/spool/spool_read.h"

struct unsure {
	const struct order *order;
	struct outcome *outcome;
	size_t *at; /* positions of the items */
	struct queue_id *ids;
	size_t count;
	uint64_t undecided;
};

/* ---- in a child */

static void put_answer(void *arg, size_t n, const struct queue_message *m, struct bytes *out)
{
	const struct unsure *u = arg;
	const struct selector *selector = u->order->selector;
	struct message whole = candidate_message(u->outcome->items[u->at[n]].candidate);
	unsigned limits = 0;

	if (identity_judge(&whole, &m->identity) != JUDGED_SAME)
		return;
	whole.recipients = m->message.recipients;
	whole.recipient_count = m->message.recipient_count;
	whole.flags &= ~MESSAGE_CUT_RECIPIENTS;
	whole.flags |= m->message.flags & MESSAGE_CUT_RECIPIENTS;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, selector_nominate(selector, &whole, &limits));
	bytes_put_u32(out, limits);
	bytes_put_u32(out, selector_other_recipients(selector, &whole));
}

/* ---- what came of it */

/* Answered or not, an item that stays is one that was decided. */
static void exclude_all(struct unsure *u)
{
	for (size_t n = 0; n < u->count; n++)
		u->outcome->items[u->at[n]].result = RESULT_EXCLUDED;
}

static int take_answer(struct unsure *u, struct reader *r)
{
	uint32_t n = reader_u32(r), matched = reader_u32(r), limits = reader_u32(r);
	uint32_t others = reader_u32(r);
	struct candidate *candidate;
	struct item *item;

	if (r->failed || n >= u->count || u->ids[n].text[0] == '\0')
		return ERR_CHILD;
	u->ids[n].text[0] = '\0'; /* answered */
	item = &u->outcome->items[u->at[n]];
	candidate = &u->outcome->candidates.list[item->candidate - u->outcome->candidates.list];
	candidate->matched = matched & ~(unsigned)MATCHED_UNSURE;
	u->outcome->candidates.limits += limits;
	if (matched & MATCHED_UNSURE) {
		u->undecided++;
	} else if (matched) {
		item->result = RESULT_NONE;
		item->other_recipients = others;
	}
	return 0;
}

static int take_answers(struct unsure *u, const struct spool_reading *reading)
{
	int code = 0;

	for (unsigned n = 0; n < reading->used; n++) {
		struct reader r = reader_of(reading->parts[n].at, reading->parts[n].len);

		while (code == 0 && !reader_done(&r))
			code = take_answer(u, &r);
	}
	return code;
}

/* Of what no answer came for: is it in the queue all the same? */
static int count_unanswered(struct unsure *u, struct err *err)
{
	struct proof *proofs = NULL;
	size_t count = 0;
	int code;

	for (size_t n = 0; n < u->count; n++)
		if (u->ids[n].text[0] != '\0')
			u->at[count++] = u->at[n];
	code = order_look(u->order, u->outcome, u->at, count, &proofs, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		u->undecided += proofs[n].state == PROOF_SAME ||
				proofs[n].state == PROOF_ARRIVING || proofs[n].state == PROOF_ERROR;
	free(proofs);
	return code;
}

void order_tell_unsure(struct outcome *outcome, uint64_t count)
{
	struct err err = {{0}};

	if (count == 0)
		return;
	err_set(&err, 0, "%llu %s recipients that could not be read; left alone",
	    (unsigned long long)count, count == 1 ? "message has" : "messages have");
	order_trouble(outcome, &err);
}

static int decide(struct unsure *u, struct err *err)
{
	struct spool_reading reading = {0};
	int code =
	    spool_read(u->order->postfix, u->ids, u->count, SIZE_MAX, put_answer, u, &reading, err);

	if (code != 0)
		return code;
	exclude_all(u);
	code = take_answers(u, &reading);
	spool_reading_release(&reading);
	if (code != 0)
		return err_set(err, code, "the reader of queue files broke off");
	code = count_unanswered(u, err);
	if (code == 0)
		order_tell_unsure(u->outcome, u->undecided);
	return code;
}

int order_decide_unsure(const struct order *order, struct outcome *outcome, struct err *err)
{
	struct unsure u = {.order = order, .outcome = outcome};
	int code = 0;

	for (size_t n = 0; n < outcome->count; n++)
		u.count += (outcome->items[n].candidate->matched & MATCHED_UNSURE) != 0;
	if (u.count == 0)
		return 0;
	u.at = calloc(u.count, sizeof(*u.at));
	u.ids = calloc(u.count, sizeof(*u.ids));
	u.count = 0;
	for (size_t n = 0; u.at && u.ids && n < outcome->count; n++) {
		if (!(outcome->items[n].candidate->matched & MATCHED_UNSURE))
			continue;
		u.ids[u.count] = candidate_id(outcome->items[n].candidate);
		u.at[u.count++] = n;
	}
	code = u.count ? decide(&u, err) : err_sys(err, ENOMEM, "failed to read queue files");
	free(u.at);
	free(u.ids);
	return code;
}
