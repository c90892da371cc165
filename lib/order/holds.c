/* SPDX-License-Identifier: ISC */
/* What our hold batches hold. A child hands over what was lost, and the messages as one text. */
#include "order/holds.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
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
    size_t end, struct holds_lost *lost, struct strbuf *held)
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
		account_entry_put(held, &last->message);
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
	struct strbuf held = {0};
	int code;

	for (size_t n = 0; n < ledger->count; n++)
		ledger->list[n].wanted = ledger->list[n].effect != EFFECT_NONE;
	code = ledger_entries(log, ledger, &entries, err);
	ledger_entries_sort(&entries);
	for (size_t begin = 0, end; begin < entries.count; begin = end) {
		end = ledger_entries_next(&entries, begin);
		put_message(a, &entries, begin, end, &lost, &held);
	}
	bytes_put(out, &lost, sizeof(lost));
	bytes_put_text(out, strbuf_text(&held));
	out->failed |= held.failed;
	strbuf_release(&held);
	ledger_entries_release(&entries);
	return code;
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

static int take(const struct blob *blob, struct account_entries *ret, struct holds_lost *lost)
{
	struct reader r = reader_of(blob->at, blob->len);
	const void *counts = reader_take(&r, sizeof(*lost));
	const char *text = reader_text(&r);

	if (!counts || !reader_done(&r))
		return ERR_CHILD;
	memcpy(lost, counts, sizeof(*lost));
	return account_entries_parse(text, ret);
}

static int ask(struct asking *a, const volatile sig_atomic_t *stop, struct account_entries *ret,
    struct holds_lost *lost, struct err *err)
{
	struct role_child child = {.stop = stop};
	struct account_entries held = {0};
	struct blob blob = {0};
	struct role owner;
	int code = role_of_owner(a->directory, &owner, err);

	if (code == 0)
		code = role_start(&child, &owner, work, a, err);
	if (code == 0)
		code = role_finish(&child, clock_steady() + ACCOUNT_READ_TIME, &blob, err);
	if (code == 0) {
		code = take(&blob, &held, lost);
		if (code < 0)
			err_set(err, code, "failed to read the account (%s)", err_word(code));
	}
	blob_release(&blob);
	if (code < 0)
		account_entries_release(&held);
	else
		*ret = held;
	return code;
}

int holds_read(const struct settings *s, const volatile sig_atomic_t *stop,
    struct account_entries *ret, struct err *err)
{
	struct asking a = {.directory = s->state_directory};
	struct holds_lost lost;

	return ask(&a, stop, ret, &lost, err);
}

int holds_of(const struct order *order, struct account_entries *ret, struct holds_lost *ret_lost,
    struct err *err)
{
	struct asking a = {.directory = order->settings->state_directory,
	    .numbers = order->undo,
	    .count = order->undo_count};

	return ask(&a, order->stop, ret, ret_lost, err);
}

static int by_message(const void *a, const void *b)
{
	return account_entry_compare(a, b);
}

bool holds_contain(const struct account_entries *holds, const struct account_entry *message)
{
	return holds->count > 0 &&
	       bsearch(message, holds->list, holds->count, sizeof(*holds->list), by_message);
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
int holds_look(
    const struct postfix *p, const struct account_entries *messages, uint8_t **ret, struct err *err)
{
	struct looking l = {.list = messages->list};
	size_t count = messages->count;
	uint8_t *queues = calloc(count + 1, 1);
	struct proof *proofs = NULL;
	int code = queues ? spool_prove(p, message_at, &l, count, &proofs, err)
			  : err_sys(err, ENOMEM, "failed to look for %zu messages", count);

	for (size_t n = 0; code == 0 && proofs && n < count; n++)
		if (proofs[n].arrival_time == messages->list[n].arrival_time)
			queues[n] = proofs[n].queue;
	free(proofs);
	if (code < 0)
		free(queues);
	else
		*ret = queues;
	return code;
}
