/* SPDX-License-Identifier: ISC */
/* What our hold batches hold. A child hands over u32 length and text of each ID, i64 arrival. */
#include "order/holds.h"

#include <errno.h>
#include <inttypes.h>

#include "order/ledger.h"

struct asking {
	const char *directory;
	const uint64_t *numbers; /* of the batches; NULL: all */
	size_t count;
};

/* ---- in the child */

static bool is_wanted(const struct asking *a, uint64_t batch)
{
	for (size_t n = 0; n < a->count; n++)
		if (a->numbers[n] == batch)
			return true;
	return a->numbers == NULL;
}

static int check_numbers(const struct asking *a, const struct ledger *ledger, struct err *err)
{
	for (size_t n = 0; n < a->count; n++) {
		const struct ledger_batch *b = ledger_find(ledger, a->numbers[n]);
		const char *verb = b ? json_text(b->begin, "verb") : NULL;

		if (!b)
			return err_set(err, ERR_USAGE,
			    "there is no batch %" PRIu64 "; 'pqpurge-idx log' lists the batches",
			    a->numbers[n]);
		if (b->effect == EFFECT_DELETES)
			return err_set(err, ERR_USAGE,
			    "batch %" PRIu64 " deleted its messages; these cannot come back",
			    a->numbers[n]);
		if (b->effect != EFFECT_HOLDS)
			return err_set(err, ERR_USAGE,
			    "batch %" PRIu64 " is a '%s', and only a 'hold' can be undone",
			    a->numbers[n], verb ? verb : "");
		if (b->running)
			return err_set(err, ERR_USAGE, "batch %" PRIu64 " is still being worked on",
			    a->numbers[n]);
	}
	return 0;
}

/* The entries of one message: the last one says how it stands. */
static void put_message(const struct asking *a, const struct ledger_entries *e, size_t begin,
    size_t end, struct holds_lost *lost, struct bytes *out)
{
	const struct ledger_entry *last = NULL;
	bool wanted = false;

	for (size_t n = begin; n < end; n++) {
		bool holds = e->list[n].effect == EFFECT_HOLDS;

		wanted |= holds && is_wanted(a, e->list[n].batch);
		if (holds || !e->list[n].doubt)
			last = &e->list[n];
	}
	if (!wanted || !last)
		return;
	if (last->effect == EFFECT_HOLDS && is_wanted(a, last->batch)) {
		bytes_put_text(out, last->queue_id.text);
		bytes_put_i64(out, last->arrival_time);
		return;
	}
	lost->released += last->effect == EFFECT_FREES;
	lost->held_again += last->effect == EFFECT_HOLDS;
	if (last->effect != EFFECT_DELETES)
		lost->batch = last->batch;
}

static int put_all(const struct asking *a, const struct account_log *log,
    const struct ledger *ledger, struct bytes *out, struct err *err)
{
	struct ledger_entries entries = {0};
	struct holds_lost lost = {0};
	int code;

	for (size_t n = 0; n < ledger->count; n++)
		ledger->list[n].wanted = ledger->list[n].effect != EFFECT_NONE;
	code = ledger_entries(log, ledger, &entries, err);
	if (code < 0)
		return code;
	bytes_put(out, &lost, sizeof(lost));
	ledger_entries_sort(&entries);
	for (size_t begin = 0, end; begin < entries.count; begin = end) {
		end = ledger_entries_next(&entries, begin);
		put_message(a, &entries, begin, end, &lost, out);
	}
	if (!out->failed)
		memcpy(out->at, &lost, sizeof(lost));
	ledger_entries_release(&entries);
	return 0;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct asking *a = arg;
	struct ledger ledger = {0};
	struct account_log log;
	int code = account_log_open(&log, a->directory, false, err);

	if (code < 0)
		return code;
	code = ledger_read(&log, &ledger, err);
	if (code == 0)
		code = check_numbers(a, &ledger, err);
	if (code == 0)
		code = put_all(a, &log, &ledger, out, err);
	ledger_release(&ledger);
	account_log_close(&log);
	return code;
}

/* ---- the command */

static int take(const struct blob *blob, struct holds *ret, struct holds_lost *lost)
{
	struct reader r = reader_of(blob->at, blob->len);
	const void *counts = reader_take(&r, sizeof(*lost));
	size_t cap = 0;

	if (counts)
		memcpy(lost, counts, sizeof(*lost));
	while (!r.failed && !reader_done(&r)) {
		const char *text = reader_text(&r);
		int64_t arrival = reader_i64(&r);

		if (ret->count == cap) {
			size_t more = cap ? 2 * cap : 256;
			struct account_entry *list = realloc(ret->list, more * sizeof(*list));

			if (!list)
				return -ENOMEM;
			ret->list = list;
			cap = more;
		}
		if (queue_id_parse(text, strlen(text), &ret->list[ret->count].queue_id) < 0)
			return ERR_CHILD;
		ret->list[ret->count++].arrival_time = arrival;
	}
	return r.failed ? ERR_CHILD : 0;
}

static int ask(struct asking *a, const volatile sig_atomic_t *stop, struct holds *ret,
    struct holds_lost *lost, struct err *err)
{
	struct role_child child = {.stop = stop};
	struct holds holds = {0};
	struct blob blob = {0};
	struct role owner;
	int code = role_of_owner(a->directory, &owner, err);

	if (code == 0)
		code = role_start(&child, &owner, work, a, err);
	if (code == 0)
		code = role_finish(&child, INT64_MAX, &blob, err);
	if (code == 0) {
		code = take(&blob, &holds, lost);
		if (code < 0)
			err_set(err, code, "failed to read the account (%s)", err_word(code));
	}
	blob_release(&blob);
	if (code < 0)
		holds_release(&holds);
	else
		*ret = holds;
	return code;
}

int holds_read(
    const struct settings *s, const volatile sig_atomic_t *stop, struct holds *ret, struct err *err)
{
	struct asking a = {.directory = s->state_directory};
	struct holds_lost lost;

	return ask(&a, stop, ret, &lost, err);
}

int holds_of(
    const struct order *order, struct holds *ret, struct holds_lost *ret_lost, struct err *err)
{
	struct asking a = {.directory = order->settings->state_directory,
	    .numbers = order->undo,
	    .count = order->undo_count};

	return ask(&a, order->stop, ret, ret_lost, err);
}

static int by_identity(const struct account_entry *a, const struct queue_id *id, int64_t arrival)
{
	int order = strcmp(a->queue_id.text, id->text);

	return order != 0 ? order : (a->arrival_time > arrival) - (a->arrival_time < arrival);
}

bool holds_contains(const struct holds *holds, const struct queue_id *id, int64_t arrival_time)
{
	size_t low = 0, high = holds->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = by_identity(&holds->list[middle], id, arrival_time);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

void holds_release(struct holds *holds)
{
	free(holds->list);
	*holds = (struct holds){0};
}

/* ---- where they lie */

struct looking {
	const struct account_entry *list;
	struct message message; /* the one asked for last */
};

static const struct message *message_at(void *arg, size_t n)
{
	struct looking *l = arg;

	message_init(&l->message);
	l->message.origin = ORIGIN_QUEUE;
	l->message.queue_id = l->list[n].queue_id;
	l->message.queued.known = true;
	l->message.queued.arrival_time = l->list[n].arrival_time;
	return &l->message;
}

/* What is judged of the message does not count: the account has no more than ID and arrival. */
int holds_look(const struct postfix *p, const struct account_entry *list, size_t count,
    uint8_t **ret, struct err *err)
{
	struct looking l = {.list = list};
	uint8_t *queues = calloc(count + 1, 1);
	struct proof *proofs = NULL;
	int code = queues ? spool_prove(p, message_at, &l, count, &proofs, err)
			  : err_sys(err, ENOMEM, "failed to look for %zu messages", count);

	for (size_t n = 0; code == 0 && n < count; n++)
		if (proofs[n].arrival_time == list[n].arrival_time)
			queues[n] = proofs[n].queue;
	free(proofs);
	if (code < 0)
		free(queues);
	else
		*ret = queues;
	return code;
}
