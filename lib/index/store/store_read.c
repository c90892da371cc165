/* SPDX-License-Identifier: ISC */
#include "index/store/store.h"

static volatile unsigned char sink;

/* Large values have pages of their own, which must be read, too. */
static void touch(struct span value)
{
	for (size_t i = 0; i < value.len; i += 512)
		sink = ((const unsigned char *)value.at)[i];
}

static bool ascends(enum store_table table, struct span before, struct span key)
{
	size_t shorter = before.len < key.len ? before.len : key.len;
	uint64_t a, b;
	int order;

	if (store_is_numbered(table) && before.len == sizeof a && key.len == sizeof b) {
		memcpy(&a, before.at, sizeof a);
		memcpy(&b, key.at, sizeof b);
		return a < b;
	}
	order = memcmp(before.at, key.at, shorter);
	return order < 0 || (order == 0 && before.len < key.len);
}

/* Checks order and count, so that pages chained into a ring do not loop forever. */
static void read_table(struct txn *txn, enum store_table table)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, table);
	struct span key = {.at = "", .len = 0}, value, before = key;
	struct store_usage usage;
	uint64_t rows = 0, seen = 0;
	int more = 1;

	if (txn_usage(txn, &usage) == 0) {
		rows = usage.rows[table];
		more = cursor_seek(cursor, key, &key, &value);
	}
	for (; more == 1; more = cursor_next(cursor, &key, &value)) {
		if (++seen > rows || !ascends(table, before, key))
			break;
		touch(value);
		before = key;
	}
	if (more == 1 || (more == 0 && seen != rows))
		(void)txn_fail(txn, ERR_DAMAGED, "the index is damaged (rows out of order)");
}

int store_read_all(struct store *store, struct err *err)
{
	struct txn txn;

	(void)txn_begin(store, false, &txn);
	for (int i = 0; txn.code == 0 && i <= STORE_TABLE_COUNT; i++)
		read_table(&txn, (enum store_table)i);
	return txn_commit(&txn, err);
}
