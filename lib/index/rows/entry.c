/* SPDX-License-Identifier: ISC */
/* Rows of one message. */
#include "index/rows/entry.h"

#include "mail/from.h"

/* Author keys of one record at most: the envelope sender's and every header From mailbox's. */
#define AUTHORS_MAX   (1 + FROM_MAILBOX_MAX)
#define AUTHORS_BYTES (AUTHORS_MAX * (2 + DOMAIN_KEY_MAX))

#define AUTHOR_KEY_MAX (DOMAIN_KEY_MAX + 1 + ENTRY_KEY_SIZE)

/* ---- keys */

struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE])
{
	be64_store(buf, number);
	return (struct span){.at = buf, .len = ENTRY_KEY_SIZE};
}

uint64_t entry_number(struct span stored)
{
	return stored.len == ENTRY_KEY_SIZE ? be64_load(stored.at) : 0;
}

static struct span author_key(struct span key, uint64_t sequence, unsigned char buf[AUTHOR_KEY_MAX])
{
	memcpy(buf, key.at, key.len);
	buf[key.len] = 0;
	be64_store(buf + key.len + 1, sequence);
	return (struct span){.at = buf, .len = key.len + 1 + ENTRY_KEY_SIZE};
}

bool entry_author_split(struct span stored, struct span *ret_key, uint64_t *ret_sequence)
{
	const unsigned char *at = stored.at;

	if (stored.len <= 1 + ENTRY_KEY_SIZE || at[stored.len - ENTRY_KEY_SIZE - 1] != 0)
		return false;
	*ret_key = (struct span){.at = at, .len = stored.len - ENTRY_KEY_SIZE - 1};
	*ret_sequence = be64_load(at + stored.len - ENTRY_KEY_SIZE);
	return true;
}

static uint64_t inode_of(const struct queue_id *queue_id)
{
	struct queue_id_parts parts;

	queue_id_split(queue_id, &parts);
	return parts.inode;
}

/* ---- dropping */

/* A head whose author keys are copied: what a table gives out is void after the next write. */
struct kept_head {
	struct record_head head;
	unsigned char authors[AUTHORS_BYTES];
};

static int keep_head(struct span record, struct kept_head *ret)
{
	int code = record_head(record, &ret->head);

	if (code != 0)
		return code;
	if (ret->head.authors.len > sizeof ret->authors)
		return ERR_DAMAGED;
	memcpy(ret->authors, ret->head.authors.at, ret->head.authors.len);
	ret->head.authors.at = ret->authors;
	return 0;
}

/* Removes all rows of a sequence whose head is known; of a damaged one (NULL) the message row
 * alone. */
static void remove_rows(struct txn *txn, uint64_t sequence, const struct record_head *head)
{
	unsigned char buf[AUTHOR_KEY_MAX], inode[ENTRY_KEY_SIZE];
	struct span key, named;
	size_t at = 0;

	(void)txn_delete(txn, STORE_MESSAGE, entry_key(sequence, buf));
	if (sequence + 1 == txn->next_sequence)
		txn->next_sequence = 0;
	if (!head)
		return;
	while (record_next_author(head, &at, &key) == 1)
		(void)txn_delete(txn, STORE_AUTHOR, author_key(key, sequence, buf));
	key = entry_key(inode_of(&head->queue_id), inode);
	/* The inode may name a later message by now. */
	if (txn_get(txn, STORE_INODE, key, &named) == 1 && entry_number(named) == sequence)
		(void)txn_delete(txn, STORE_INODE, key);
}

/* Drops a stored row, however damaged. */
static void drop_row(struct txn *txn, uint64_t sequence, struct span record)
{
	struct kept_head kept;
	bool readable = keep_head(record, &kept) == 0;

	remove_rows(txn, sequence, readable ? &kept.head : NULL);
}

int entry_drop(struct txn *txn, uint64_t sequence, const struct queue_id *queue_id)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct kept_head kept;
	struct span record;
	int found = txn_get(txn, STORE_MESSAGE, entry_key(sequence, buf), &record);

	if (found != 1)
		return found;
	if (keep_head(record, &kept) != 0 || !queue_id_equal(&kept.head.queue_id, queue_id))
		return 0;
	remove_rows(txn, sequence, &kept.head);
	return txn->code != 0 ? txn->code : 1;
}

size_t entry_prune(struct txn *txn, size_t n, int64_t *ret_mail_time)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	const struct span first = {.at = "", .len = 0};
	struct span key, record;
	struct kept_head kept;
	int64_t latest = 0;
	size_t dropped = 0;

	/* Deleting moves pages under a cursor, so each round seeks the first row anew. */
	while (dropped < n && cursor_seek(cursor, first, &key, &record) == 1) {
		bool readable = keep_head(record, &kept) == 0;

		if (readable && kept.head.mail_time > latest)
			latest = kept.head.mail_time;
		remove_rows(txn, entry_number(key), readable ? &kept.head : NULL);
		dropped++;
	}
	cursor_close(cursor);
	*ret_mail_time = latest;
	return txn->code == 0 ? dropped : 0;
}

/* ---- adding */

static int find_inode(
    struct txn *txn, struct span inode_key, uint64_t *ret_sequence, struct span *ret_record)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span named;
	int found = txn_get(txn, STORE_INODE, inode_key, &named);

	if (found != 1)
		return found;
	*ret_sequence = entry_number(named);
	return txn_get(txn, STORE_MESSAGE, entry_key(*ret_sequence, buf), ret_record);
}

int entry_find(struct txn *txn, const struct queue_id *queue_id, uint64_t *ret_sequence,
    struct span *ret_record)
{
	unsigned char buf[ENTRY_KEY_SIZE];

	return find_inode(txn, entry_key(inode_of(queue_id), buf), ret_sequence, ret_record);
}

static uint64_t last_sequence(struct txn *txn)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	struct span key, value;
	uint64_t last = 0;

	if (cursor_last(cursor, &key, &value) == 1)
		last = entry_number(key);
	cursor_close(cursor);
	return last;
}

/* One past the last: rows are in order of insertion, which no clock can disturb. */
static uint64_t next_sequence(struct txn *txn)
{
	if (txn->next_sequence == 0)
		txn->next_sequence = last_sequence(txn) + 1;
	return txn->next_sequence++;
}

static void put_rows(struct txn *txn, uint64_t sequence, const struct record_head *head,
    struct span inode_key, struct span record)
{
	const struct span empty = {.at = "", .len = 0};
	unsigned char number[ENTRY_KEY_SIZE], buf[AUTHOR_KEY_MAX];
	struct span sequence_key = entry_key(sequence, number), key;
	size_t at = 0;

	txn_put(txn, STORE_MESSAGE, sequence_key, record, true);
	while (record_next_author(head, &at, &key) == 1)
		txn_put(txn, STORE_AUTHOR, author_key(key, sequence, buf), empty, false);
	txn_put(txn, STORE_INODE, inode_key, sequence_key, false);
}

void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct record_head head;
	struct span inode_key, old;
	uint64_t sequence, dead;

	if (record_head(record, &head) != 0) {
		(void)txn_fail(txn, ERR_SYNTAX, "not a record");
		return;
	}
	inode_key = entry_key(inode_of(&head.queue_id), buf);
	if (find_inode(txn, inode_key, &dead, &old) == 1)
		drop_row(txn, dead, old);
	sequence = next_sequence(txn);
	put_rows(txn, sequence, &head, inode_key, record);
	if (ret_sequence)
		*ret_sequence = sequence;
}

int entry_add_found(struct txn *txn, struct span record)
{
	struct record_head found, known;
	struct span old;
	uint64_t sequence;
	int there;

	if (record_head(record, &found) != 0)
		return txn_fail(txn, ERR_SYNTAX, "not a record");
	there = entry_find(txn, &found.queue_id, &sequence, &old);
	/*
	 * mail_time of a found record is its T. The known message may have had its inode after the
	 * found one, though its MAIL came before that: its RCPT took long. Where the known one is
	 * it that has left, its row has no name, and sync drops such rows before it adds.
	 */
	if (there == 1 && record_head(old, &known) == 0 && found.mail_time <= known.end_time)
		return 0;
	entry_add(txn, record, NULL);
	return txn->code != 0 ? txn->code : 1;
}
