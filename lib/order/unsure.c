/* SPDX-License-Identifier: ISC */
/*
 * Decides on candidates with more recipients or header From mailboxes than are recorded, by their
 * queue files. A child hands over for each that it could read and that is the recorded message: u32
 * position, u32 matched, u32 limits, u32 other recipients.
 */

#include "order/inside.h"
#include "postfix/spool/spool_read.h"

struct unsure {
	struct run *run;
	size_t *at; /* positions of the items */
	struct queue_id *ids;
	size_t count;
	uint64_t undecided;
};

/* ---- in a child */

static const struct queue_id *get_id(void *arg, size_t n)
{
	return &((const struct unsure *)arg)->ids[n];
}

static void put_answer(void *arg, size_t n, const struct queue_message *q, struct bytes *out)
{
	const struct unsure *u = arg;
	const struct selector *selector = u->run->order->selector;
	struct message whole = candidate_message(u->run->outcome->items[u->at[n]].candidate);
	struct selector_notes notes = {0};

	if (identity_judge(&whole, &q->identity) != JUDGED_SAME)
		return;
	whole.queued = q->message.queued;
	whole.flags &= ~(uint32_t)(MESSAGE_CUT_RECIPIENTS | MESSAGE_CUT_QUEUED_RECIPIENTS);
	whole.flags |= q->message.flags & MESSAGE_CUT_QUEUED_RECIPIENTS;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, selector_nominate_read(selector, &whole, &q->asked, &notes));
	bytes_put_u32(out, notes.limits);
	bytes_put_u32(out, selector_other_recipients(selector, &whole));
}

static int take_answer(struct unsure *u, struct reader *r)
{
	uint32_t n = reader_u32(r), matched = reader_u32(r), limits = reader_u32(r);
	uint32_t others = reader_u32(r);

	if (r->failed || n >= u->count || u->ids[n].text[0] == '\0')
		return ERR_CHILD;
	u->ids[n].text[0] = '\0'; /* answered */
	struct item *item = &u->run->outcome->items[u->at[n]];
	u->run->outcome->tally.limits += limits;
	if (matched & MATCHED_UNSURE) {
		u->undecided++;
	} else if (matched) {
		item->result = RESULT_NONE;
		item->other_recipients = others;
	}
	return 0;
}

static int take_answers(void *arg, struct span part, struct err *err)
{
	struct reader r = reader_of(part.at, part.len);
	int code = 0;

	while (code == 0 && !reader_done(&r))
		code = take_answer(arg, &r);
	return code < 0 ? err_set(err, code, "the reader of queue files broke off") : 0;
}

/* Those without an answer that are in the queue. */
static int count_unanswered(struct unsure *u, struct err *err)
{
	struct proof *proofs = NULL;
	size_t count = 0;

	for (size_t n = 0; n < u->count; n++)
		if (u->ids[n].text[0] != '\0')
			u->at[count++] = u->at[n];
	int code = order_look(u->run, u->at, count, &proofs, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		u->undecided += proofs[n].state == PROOF_SAME ||
				proofs[n].state == PROOF_ARRIVING || proofs[n].state == PROOF_ERROR;
	free(proofs);
	return code;
}

static void tell_undecided(struct outcome *outcome, uint64_t count)
{
	struct err err = {{0}};

	if (count == 0)
		return;
	outcome->tally.undecided += count;
	err_set(&err, 0, "%llu %s recipients or authors that could not be read; left alone",
	    (unsigned long long)count, count == 1 ? "message has" : "messages have");
	order_trouble(outcome, &err);
}

static int decide(struct unsure *u, struct err *err)
{
	struct spool_reading reading = {.get = get_id,
	    .take = put_answer,
	    .give = take_answers,
	    .arg = u,
	    .count = u->count,
	    .selector = u->run->order->selector,
	    .max_recipients = SIZE_MAX};

	/* An answer opens it again. */
	for (size_t n = 0; n < u->count; n++)
		u->run->outcome->items[u->at[n]].result = RESULT_EXCLUDED;
	int code = spool_read(&u->run->looking, &reading, err);
	spool_reading_release(&reading);
	if (code == 0)
		code = count_unanswered(u, err);
	if (code == 0)
		tell_undecided(u->run->outcome, u->undecided);
	return code;
}

static bool is_unsure(const struct item *item)
{
	return item->candidate->matched & MATCHED_UNSURE;
}

int order_decide_unsure(struct run *run, struct err *err)
{
	struct unsure u = {.run = run};
	struct chosen c;
	int code = order_choose(run->outcome, IS_OPEN, is_unsure, &c, err);

	if (code == 0 && c.count > 0)
		code = chosen_ids(&c, run->outcome, err);
	u.at = c.at;
	u.ids = c.ids;
	u.count = c.count;
	if (code == 0 && c.count > 0)
		code = decide(&u, err);
	chosen_release(&c);
	return code;
}

/* ---- other recipients: a row is as old as its reading */

static void put_others(void *arg, size_t n, const struct queue_message *q, struct bytes *out)
{
	const struct unsure *u = arg;
	struct message whole = candidate_message(u->run->outcome->items[u->at[n]].candidate);

	if (identity_judge(&whole, &q->identity) != JUDGED_SAME)
		return;
	whole.queued = q->message.queued;
	whole.flags &= ~(uint32_t)MESSAGE_CUT_QUEUED_RECIPIENTS;
	whole.flags |= q->message.flags & MESSAGE_CUT_QUEUED_RECIPIENTS;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, selector_other_recipients(u->run->order->selector, &whole));
}

static int take_others(void *arg, struct span part, struct err *err)
{
	const struct unsure *u = arg;
	struct reader r = reader_of(part.at, part.len);

	while (!reader_done(&r)) {
		uint32_t n = reader_u32(&r), others = reader_u32(&r);

		if (r.failed || n >= u->count)
			return err_set(err, ERR_CHILD, "the reader of queue files broke off");
		u->run->outcome->items[u->at[n]].other_recipients = others;
	}
	return 0;
}

static bool has_others(const struct item *item)
{
	return item->other_recipients > 0;
}

int order_count_others(struct run *run, struct err *err)
{
	struct unsure u = {.run = run};
	struct spool_reading reading = {.get = get_id,
	    .take = put_others,
	    .give = take_others,
	    .arg = &u,
	    .selector = run->order->selector,
	    .max_recipients = SIZE_MAX};
	struct chosen c;
	int code = order_choose(run->outcome, IS_READY, has_others, &c, err);

	if (code == 0 && c.count > 0)
		code = chosen_ids(&c, run->outcome, err);
	u.at = c.at;
	u.ids = c.ids;
	u.count = reading.count = c.count;
	if (code == 0 && c.count > 0)
		code = spool_read(&run->looking, &reading, err);
	spool_reading_release(&reading);
	chosen_release(&c);
	return code;
}
