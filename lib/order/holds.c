/* SPDX-License-Identifier: ISC */
/* The child hands over struct holds_lost and the messages as one text. */
#include "order/order_private.h"

struct asking {
	const uint64_t *numbers; /* of the batches; NULL: all batches */
	size_t count;
	struct account_entries held; /* the answer; so is `lost` */
	struct holds_lost lost;
};

static bool is_wanted(const struct asking *a, uint64_t batch)
{
	for (size_t n = 0; n < a->count; n++)
		if (a->numbers[n] == batch)
			return true;
	return a->numbers == NULL;
}

static int check_number(const struct ledger *ledger, uint64_t number, struct err *err)
{
	const struct ledger_batch *b = ledger_find(ledger, number);

	if (!b)
		return err_set(err, ERR_USAGE,
		    "there is no batch %" PRIu64 "; 'pqpurge-idx log' lists the batches", number);
	if (b->effect == EFFECT_DELETES)
		return err_set(err, ERR_USAGE,
		    "batch %" PRIu64 " deleted its messages; these cannot come back", number);
	if (b->effect != EFFECT_HOLDS)
		return err_set(err, ERR_USAGE,
		    "batch %" PRIu64 " is a '%s', and only a 'hold' can be undone", number,
		    b->told.verb);
	if (b->told.running)
		return err_set(
		    err, ERR_USAGE, "batch %" PRIu64 " is still being worked on", number);
	return 0;
}

static bool any_holds(
    const struct asking *a, const struct ledger_entries *e, size_t begin, size_t end)
{
	for (size_t n = begin; n < end; n++)
		if (e->list[n].batch->effect == EFFECT_HOLDS &&
		    is_wanted(a, e->list[n].batch->told.number))
			return true;
	return false;
}

static void put_message(const struct asking *a, const struct ledger_entry *last,
    struct holds_lost *lost, struct strbuf *held)
{
	enum ledger_effect effect = last->batch->effect;
	uint64_t number = last->batch->told.number;

	if (effect == EFFECT_HOLDS && is_wanted(a, number)) {
		lost->doubt += last->doubt;
		account_entry_put(held, &last->message);
		return;
	}
	lost->released += effect == EFFECT_FREES;
	lost->held_again += effect == EFFECT_HOLDS;
	if (effect != EFFECT_DELETES)
		lost->batch = number;
}

static int put_all(void *arg, struct ledger *ledger, const struct account_log *log,
    struct bytes *out, struct err *err)
{
	const struct asking *a = arg;
	struct ledger_entries entries = {0};
	const struct ledger_entry *last;
	struct holds_lost lost = {0};
	AUTO(strbuf_release) struct strbuf held = {0};
	int code = 0;

	(void)log;
	for (size_t n = 0; code == 0 && n < a->count; n++)
		code = check_number(ledger, a->numbers[n], err);
	code = code ?: ledger_entries(ledger, &entries);
	for (size_t begin = 0, end; code == 0 && begin < entries.count; begin = end) {
		end = ledger_message(&entries, begin, &last);
		if (last && any_holds(a, &entries, begin, end))
			put_message(a, last, &lost, &held);
	}
	bytes_put(out, &lost, sizeof(lost));
	bytes_put_text(out, strbuf_text(&held));
	out->failed |= held.failed;
	free(entries.list);
	return code;
}

static int take_all(void *arg, struct reader *r, struct err *err)
{
	struct asking *a = arg;
	const void *lost = reader_take(r, sizeof(a->lost));

	(void)err;
	if (!lost)
		return ERR_CHILD;
	memcpy(&a->lost, lost, sizeof(a->lost));
	return account_entries_parse(reader_text(r), &a->held);
}

int holds_read(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err)
{
	static const struct ledger_question question = {
	    .all = true, .put = put_all, .take = take_all};
	struct asking a = {
	    .numbers = order->undo_count > 0 ? order->undo : NULL, .count = order->undo_count};
	int code = ledger_ask(order->settings, order->stop, &question, &a, err);

	if (code < 0) {
		account_entries_release(&a.held);
		return code;
	}
	*ret = a.held;
	*ret_lost = a.lost;
	return 0;
}

bool holds_contain(const struct account_entries *holds, const struct account_entry *message)
{
	return holds->count > 0 && bsearch(message, holds->list, holds->count, sizeof(*holds->list),
				       account_entry_compare);
}

static struct message message_of(const struct account_entry *entry)
{
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_QUEUE;
	m.queue_id = entry->queue_id;
	m.queued.known = true;
	m.queued.arrival_time = entry->arrival_time;
	return m;
}

int holds_candidates(const struct account_entry *list, size_t count, struct candidates *ret)
{
	const unsigned char *at;

	ret->list = calloc(count + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t n = 0; n < count; n++) {
		size_t before = ret->made.len;
		struct message m = message_of(&list[n]);

		record_encode(&m, &ret->made);
		ret->list[n].record_len = (uint32_t)(ret->made.len - before);
		ret->list[n].matched = MATCHED_OTHER;
	}
	at = ret->made.at; /* the buffer moves while it grows */
	for (size_t n = 0; n < count && !ret->made.failed; at += ret->list[n++].record_len)
		ret->list[n].record = at;
	ret->count = count;
	return ret->made.failed ? -ENOMEM : 0;
}

struct looking {
	const struct account_entry *list;
	struct message message; /* last asked for */
};

static const struct message *message_at(void *arg, size_t n)
{
	struct looking *l = arg;

	l->message = message_of(&l->list[n]);
	return &l->message;
}

/* Ignores the proof's state, because the account knows only ID and arrival. */
int holds_settle(const struct postfix *p, struct account_entries *doubt, unsigned where,
    struct account_entries *done, struct err *err)
{
	struct looking l = {.list = doubt->list};
	size_t count = doubt->count, left = 0;
	AUTO(free_local) struct proof *proofs = NULL;
	struct account_entry *room =
	    array_room(done->list, done->count + count, &done->cap, sizeof(*room));

	if (count == 0)
		return 0;
	if (!room)
		return err_sys(err, ENOMEM, "failed to look for %zu messages", count);
	done->list = room;
	int code = spool_prove(p, message_at, &l, count, &proofs, err);
	if (code < 0)
		return code;
	for (size_t n = 0; n < count; n++) {
		const struct account_entry *m = &doubt->list[n];
		bool found = proofs[n].arrival_time == m->arrival_time && proofs[n].queue != 0;

		if (where & (found ? proofs[n].queue : HOLDS_NOWHERE))
			done->list[done->count++] = *m;
		else
			doubt->list[left++] = *m;
	}
	doubt->count = left;
	return 0;
}
