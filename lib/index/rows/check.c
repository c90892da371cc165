/* SPDX-License-Identifier: ISC */
/* Searches for each row by its key instead of meeting it on the way, because only a search shows a
 * branch page that leads astray. */
#include "index/rows/check.h"

#include "index/rows/keys.h"

static bool is_there(struct txn *txn, enum store_table table, struct span key, struct span value)
{
	struct span found;

	return txn_get(txn, table, key, &found) == 1 && found.len == value.len &&
	       memcmp(found.at, value.at, value.len) == 0;
}

static bool has_authors(struct txn *txn, const struct record_head *head, uint64_t sequence)
{
	const struct span none = {.at = "", .len = 0};
	unsigned char buf[AUTHOR_KEY_SIZE];
	struct span key;
	size_t at = 0;

	while (record_next_author(head, &at, &key) == 1)
		if (!is_there(txn, STORE_AUTHOR, author_key(key, sequence, buf), none))
			return false;
	return true;
}

static bool is_whole(struct txn *txn, struct span key, struct span record)
{
	uint64_t sequence = entry_number(key), time;
	unsigned char buf[INODE_KEY_SIZE];
	struct record_head head;
	struct packed_id id;

	if (!is_there(txn, STORE_MESSAGE, key, record) || record_head(record, &head) != 0 ||
	    queue_id_pack(&head.queue_id, &id) != 0)
		return false;
	time = inode_value(&id, &head);
	return is_there(txn, STORE_INODE, inode_key(id.inode, sequence, buf),
		   (struct span){.at = &time, .len = sizeof time}) &&
	       has_authors(txn, &head, sequence);
}

/* Counts messages up to the first that is not sound. */
static uint64_t count_messages(struct txn *txn)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key = {.at = "", .len = 0}, record;
	uint64_t count = 0;

	for (int more = cursor_seek(cursor, key, &key, &record);
	     more == 1 && is_whole(txn, key, record); more = cursor_next(cursor, &key, &record))
		count++;
	return count;
}

static uint64_t count_names(struct txn *txn)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_INODE);
	struct span key = {.at = "", .len = 0}, value;
	struct packed_id id;
	uint64_t count = 0;

	for (int more = cursor_seek(cursor, key, &key, &value); more == 1;
	     more = cursor_next(cursor, &key, &value))
		count += entry_name(key, value, &id);
	return count;
}

int rows_check(struct store *store, struct err *err)
{
	struct store_usage usage;
	uint64_t messages;
	struct txn txn;

	(void)txn_begin(store, false, &txn);
	messages = count_messages(&txn);
	if (txn_usage(&txn, &usage) == 0 &&
	    (messages != usage.rows[STORE_MESSAGE] || messages != count_names(&txn)))
		(void)txn_fail(&txn, ERR_DAMAGED, "the index is damaged (its tables disagree)");
	return txn_commit(&txn, err);
}
