/* SPDX-License-Identifier: ISC */
/* Asks queue files what the index cannot tell about some items: whether an item matches that has
 * more recipients or header From mailboxes than were recorded; and how many other recipients it has
 * now, because a row is as old as its reading. For each file that is the recorded message a child
 * hands over u32 position, u32 matched, u32 limits, u32 other recipients. */
#include "order/order_private.h"
#include "postfix/spool/spool_read.h"

struct unsure {
	struct run *run;
	struct chosen items;
	bool decides; /* false: only other recipients are counted */
	uint64_t undecided;
};

static const struct queue_id *get_id(void *arg, size_t n)
{
	return &((const struct unsure *)arg)->items.ids[n];
}

static void put_answer(void *arg, size_t n, const struct queue_message *q, struct bytes *out)
{
	const struct unsure *u = arg;
	const struct selector *selector = u->run->order->selector;
	struct message whole = candidate_message(u->run->outcome->items[u->items.at[n]].candidate);
	struct selector_notes notes = {0};

	if (identity_judge(&whole, &q->identity) != JUDGED_SAME)
		return;
	whole.queued = q->message.queued;
	whole.flags &= ~(uint32_t)(MESSAGE_CUT_RECIPIENTS | MESSAGE_CUT_QUEUED_RECIPIENTS);
	whole.flags |= q->message.flags & MESSAGE_CUT_QUEUED_RECIPIENTS;
	bytes_put_u32(out, (uint32_t)n);
	bytes_put_u32(out, selector_nominate_read(selector, &whole, &q->mailboxes, &notes));
	bytes_put_u32(out, notes.limits);
	bytes_put_u32(out, selector_other_recipients(selector, &whole));
}

static int take_answer(struct unsure *u, struct reader *r)
{
	uint32_t n = reader_u32(r), matched = reader_u32(r), limits = reader_u32(r);
	uint32_t others = reader_u32(r);

	if (r->failed || n >= u->items.count || u->items.ids[n].text[0] == '\0')
		return ERR_CHILD;
	u->items.ids[n].text[0] = '\0'; /* marks it as answered */
	struct item *item = &u->run->outcome->items[u->items.at[n]];
	if (u->decides) {
		u->run->outcome->tally.limits += limits;
		if (matched & MATCHED_UNSURE)
			u->undecided++;
		if (!matched || matched & MATCHED_UNSURE)
			return 0;
		item->result = RESULT_NONE;
	}
	item->other_recipients = others;
	return 0;
}

static int take_answers(void *arg, struct span part, struct err *err)
{
	struct reader r = reader_of(part.at, part.len);
	int code = 0;

	while (code == 0 && !reader_done(&r))
		code = take_answer(arg, &r);
	return code < 0 ? err_set(err, code, "the reader of queue files ended early") : 0;
}

static int read_files(
    struct unsure *u, unsigned results, bool (*is)(const struct item *item), struct err *err)
{
	struct outcome *outcome = u->run->outcome;
	AUTO(spool_reading_release)
	struct spool_reading reading = {.get = get_id,
	    .take = put_answer,
	    .give = take_answers,
	    .arg = u,
	    .selector = u->run->order->selector,
	    .max_recipients = SIZE_MAX};
	int code = order_choose(outcome, results, is, &u->items, err);

	reading.count = u->items.count;
	if (code < 0 || reading.count == 0)
		return code;
	code = chosen_ids(&u->items, outcome, err);
	/* An answer opens the item again. */
	for (size_t n = 0; code == 0 && u->decides && n < reading.count; n++)
		outcome->items[u->items.at[n]].result = RESULT_EXCLUDED;
	return code ?: spool_read(&u->run->looking, &reading, err);
}

static int count_unanswered(struct unsure *u, struct err *err)
{
	AUTO(free_local) struct proof *proofs = NULL;
	size_t count = 0;

	for (size_t n = 0; n < u->items.count; n++)
		if (u->items.ids[n].text[0] != '\0')
			u->items.at[count++] = u->items.at[n];
	int code = order_look(u->run, u->items.at, count, &proofs, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		u->undecided += proofs[n].state == PROOF_SAME ||
				proofs[n].state == PROOF_ARRIVING || proofs[n].state == PROOF_ERROR;
	return code;
}

static void tell_undecided(struct outcome *outcome, uint64_t count)
{
	struct err err = {{0}};

	if (count == 0)
		return;
	outcome->tally.undecided += count;
	err_set(&err, 0, "%llu %s recipients, authors or logins that could not be read; left alone",
	    (unsigned long long)count, count == 1 ? "message has" : "messages have");
	order_trouble(outcome, &err);
}

static bool is_unsure(const struct item *item)
{
	return item->candidate->matched & MATCHED_UNSURE;
}

int order_decide_unsure(struct run *run, struct err *err)
{
	struct unsure u = {.run = run, .decides = true};
	int code = read_files(&u, IS_OPEN, is_unsure, err);

	if (code == 0 && u.items.count > 0)
		code = count_unanswered(&u, err);
	if (code == 0)
		tell_undecided(run->outcome, u.undecided);
	chosen_release(&u.items);
	return code;
}

static bool has_others(const struct item *item)
{
	return item->other_recipients > 0;
}

int order_count_others(struct run *run, struct err *err)
{
	struct unsure u = {.run = run};
	int code = read_files(&u, IS_READY, has_others, err);

	chosen_release(&u.items);
	return code;
}
