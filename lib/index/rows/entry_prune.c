/* SPDX-License-Identifier: ISC */
/* The oldest rows go. */
#include "index/rows/entry.h"

static const struct span none = {.at = "", .len = 0};

/* The first row of a table with all that belongs to it. */
static void drop_first(struct txn *txn, uint64_t sequence, struct span record)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct record_head head;
	struct packed_id id;

	if (record_head(record, &head) == 0 && queue_id_pack(&head.queue_id, &id) == 0)
		(void)entry_drop(txn, &id, sequence, 0);
	else
		(void)txn_delete(txn, sequence & ENTRY_LEFT ? STORE_LEFT : STORE_MESSAGE,
		    entry_key(sequence & ~ENTRY_LEFT, buf));
}

/* The first row: its sequence, with ENTRY_LEFT where it is one of STORE_LEFT. */
static int first_row(struct txn *txn, enum store_table table, uint64_t *ret)
{
	struct store_cursor *cursor = cursor_open(txn, table);
	struct span key, value;
	int found = cursor_seek(cursor, none, &key, &value);

	if (found == 1)
		*ret = entry_number(key) | (table == STORE_LEFT ? ENTRY_LEFT : 0);
	cursor_close(cursor);
	return found;
}

/* Deleting moves pages under a cursor, so each round seeks the first row anew. */
static size_t drop_oldest(struct txn *txn, enum store_table table, size_t n)
{
	uint64_t sequence;
	size_t dropped = 0;

	while (dropped < n && first_row(txn, table, &sequence) == 1) {
		struct span record = none;

		(void)entry_get(txn, sequence, &record);
		drop_first(txn, sequence, record);
		dropped++;
	}
	return txn->code == 0 ? dropped : 0;
}

size_t entry_prune(struct txn *txn, size_t n, size_t *messages)
{
	size_t left = drop_oldest(txn, STORE_LEFT, n);
	size_t dropped = left < n ? drop_oldest(txn, STORE_MESSAGE, n - left) : 0;

	*messages += dropped;
	return left + dropped;
}

/* Whether the clock says so, or was set. */
static bool is_past(struct txn *txn, uint64_t sequence, int64_t now)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct reader r;
	struct span value;
	int64_t left;

	if (txn_get(txn, STORE_LEFT, entry_key(sequence & ~ENTRY_LEFT, buf), &value) != 1)
		return false;
	r = reader_of(value.at, value.len);
	left = reader_i64(&r);
	return r.failed || left < now - ENTRY_LEFT_TIME || left > now + ENTRY_LEFT_TIME;
}

size_t entry_forget(struct txn *txn, int64_t now, size_t n)
{
	uint64_t sequence;
	size_t dropped = 0;

	while (dropped < n && first_row(txn, STORE_LEFT, &sequence) == 1 &&
	       is_past(txn, sequence, now))
		dropped += drop_oldest(txn, STORE_LEFT, 1);
	return txn->code == 0 ? dropped : 0;
}
