/* SPDX-License-Identifier: ISC */
#include "index/rows/entry.h"

static const struct span none = {.at = "", .len = 0};

/* Deleting moves pages under a cursor, so none is kept. 1 with sequence (ENTRY_LEFT set as needed)
 * and value, 0, or the sticky code. */
static int first_row(
    struct txn *txn, enum store_table table, uint64_t *ret_sequence, struct span *ret_value)
{
	struct store_cursor *cursor = cursor_open(txn, table);
	struct span key;
	int found = cursor_seek(cursor, none, &key, ret_value);

	if (found == 1)
		*ret_sequence = entry_number(key) | (table == STORE_LEFT ? ENTRY_LEFT : 0);
	cursor_close(cursor);
	return found;
}

static void drop(struct txn *txn, uint64_t sequence)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span record = none;
	struct record_head head;
	struct packed_id id;

	if (entry_get(txn, sequence, &record) == 1 && record_head(record, &head) == 0 &&
	    queue_id_pack(&head.queue_id, &id) == 0)
		(void)entry_drop(txn, &id, sequence, 0);
	else
		(void)txn_delete(txn, sequence & ENTRY_LEFT ? STORE_LEFT : STORE_MESSAGE,
		    entry_key(sequence & ~ENTRY_LEFT, buf));
}

/* Expired, or the clock was set. */
static bool is_past(struct span value, int64_t now)
{
	struct reader r = reader_of(value.at, value.len);
	int64_t left = reader_i64(&r);

	return r.failed || left < now - ENTRY_LEFT_TIME || left > now + ENTRY_LEFT_TIME;
}

/* now: if not 0, only expired left rows. */
static size_t drop_oldest(struct txn *txn, enum store_table table, size_t n, int64_t now)
{
	uint64_t sequence;
	size_t dropped = 0;
	struct span value;

	while (dropped < n && first_row(txn, table, &sequence, &value) == 1 &&
	       (now == 0 || is_past(value, now))) {
		drop(txn, sequence);
		dropped++;
	}
	return txn->code == 0 ? dropped : 0;
}

size_t entry_prune(struct txn *txn, size_t n, size_t *messages)
{
	size_t left = drop_oldest(txn, STORE_LEFT, n, 0);
	size_t dropped = left < n ? drop_oldest(txn, STORE_MESSAGE, n - left, 0) : 0;

	*messages += dropped;
	return left + dropped;
}

size_t entry_forget(struct txn *txn, int64_t now, size_t n)
{
	return drop_oldest(txn, STORE_LEFT, n, now);
}
