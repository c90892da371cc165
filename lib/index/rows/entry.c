/* SPDX-License-Identifier: ISC */
#include "index/rows/entry.h"

#include "index/rows/keys.h"
#include "mail/address/from.h"

#define AUTHORS_BYTES (MESSAGE_AUTHORS_MAX * (2 + DOMAIN_KEY_MAX))
#define LEFT_HEAD     8 /* bytes of the time in front of a record in STORE_LEFT */

static const struct span empty = {.at = "", .len = 0};

struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE])
{
	memcpy(buf, &number, sizeof number);
	return (struct span){.at = buf, .len = ENTRY_KEY_SIZE};
}

uint64_t entry_number(struct span key)
{
	uint64_t number = 0;

	if (key.len == sizeof number)
		memcpy(&number, key.at, sizeof number);
	return number;
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

bool entry_name(struct span key, struct span value, struct packed_id *ret)
{
	uint64_t sequence;

	return inode_split(key, value, ret, &sequence) && !(sequence & ENTRY_LEFT);
}

static void put_inode(
    struct txn *txn, const struct packed_id *id, uint64_t sequence, const struct record_head *head)
{
	unsigned char buf[INODE_KEY_SIZE];
	uint64_t time = inode_value(id, head);

	txn_put(txn, STORE_INODE, inode_key(id->inode, sequence, buf),
	    (struct span){.at = &time, .len = sizeof time}, false);
}

/* Has a copy of the author keys, because table memory is invalid after the next write. */
struct kept_head {
	struct record_head head;
	struct packed_id id;
	unsigned char authors[AUTHORS_BYTES];
};

static int keep_head(struct span record, struct kept_head *ret)
{
	int code = record_head(record, &ret->head);

	code = code ?: queue_id_pack(&ret->head.queue_id, &ret->id);
	if (code != 0)
		return code;
	if (ret->head.authors.len > sizeof ret->authors)
		return ERR_DAMAGED;
	memcpy(ret->authors, ret->head.authors.at, ret->head.authors.len);
	ret->head.authors.at = ret->authors;
	return 0;
}

static bool has_author(const struct record_head *head, struct span wanted)
{
	struct span key;
	size_t at = 0;

	while (record_next_author(head, &at, &key) == 1)
		if (key.len == wanted.len && memcmp(key.at, wanted.at, key.len) == 0)
			return true;
	return false;
}

/* Puts or deletes the author keys that a has and b (may be NULL) lacks. */
static void change_authors(struct txn *txn, uint64_t sequence, const struct record_head *a,
    const struct record_head *b, bool put)
{
	unsigned char buf[AUTHOR_KEY_SIZE];
	struct span key;
	size_t at = 0;

	while (record_next_author(a, &at, &key) == 1) {
		if (b && has_author(b, key))
			continue;
		key = author_key(key, sequence, buf);
		if (put)
			txn_put(txn, STORE_AUTHOR, key, empty, false);
		else
			(void)txn_delete(txn, STORE_AUTHOR, key);
	}
}

/* id NULL: any. */
static int collect(struct txn *txn, uint64_t inode, const struct packed_id *id, bool left,
    uint64_t *list, size_t max)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_INODE);
	unsigned char buf[INODE_KEY_SIZE];
	struct span key = inode_key(inode, left ? ENTRY_LEFT : 0, buf), value;
	struct packed_id found;
	uint64_t sequence;
	size_t count = 0;

	for (int more = cursor_seek(cursor, key, &key, &value);
	     more == 1 && count < max && inode_split(key, value, &found, &sequence) &&
	     found.inode == inode && (left || !(sequence & ENTRY_LEFT));
	     more = cursor_next(cursor, &key, &value))
		if (!id || ((found.time ^ id->time) & ~PACKED_ID_FLAGS) == 0)
			list[count++] = sequence;
	return txn->code != 0 ? txn->code : (int)count;
}

int entry_find(struct txn *txn, const struct packed_id *id, bool left, uint64_t *list, size_t max)
{
	return collect(txn, id->inode, id, left, list, max);
}

int entry_get(struct txn *txn, uint64_t sequence, struct span *ret_record)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	bool left = sequence & ENTRY_LEFT;
	struct span value;
	int found = txn_get(
	    txn, left ? STORE_LEFT : STORE_MESSAGE, entry_key(sequence & ~ENTRY_LEFT, buf), &value);

	if (found != 1)
		return found;
	if (left && value.len < LEFT_HEAD)
		return 0;
	*ret_record = value;
	if (left)
		*ret_record = (struct span){.at = (const unsigned char *)value.at + LEFT_HEAD,
		    .len = value.len - LEFT_HEAD};
	return 1;
}

/* 0 if the table is empty. */
static uint64_t last_number(struct txn *txn, enum store_table table)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, table);
	struct span key, value;

	return cursor_last(cursor, &key, &value) == 1 ? entry_number(key) : 0;
}

static void keep_left(
    struct txn *txn, struct span record, const struct kept_head *kept, int64_t left_time)
{
	uint64_t number = last_number(txn, STORE_LEFT) + 1;
	unsigned char buf[ENTRY_KEY_SIZE];
	AUTO(bytes_release) struct bytes value = {0};

	bytes_put_i64(&value, left_time);
	bytes_put(&value, record.at, record.len);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	txn_put(txn, STORE_LEFT, entry_key(number, buf), bytes_span(&value), true);
	put_inode(txn, &kept->id, number | ENTRY_LEFT, &kept->head);
}

/* The inode row stays, and so do the author rows of a damaged record. */
static void drop_message(struct txn *txn, uint64_t sequence, struct span record, int64_t left_time)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct kept_head kept;
	bool readable = keep_head(record, &kept) == 0;

	txn_changed(txn, sequence, record, empty);
	if (readable && left_time != 0)
		keep_left(txn, record, &kept, left_time);
	(void)txn_delete(txn, STORE_MESSAGE, entry_key(sequence, buf));
	if (readable)
		change_authors(txn, sequence, &kept.head, NULL, false);
}

int entry_drop(struct txn *txn, const struct packed_id *id, uint64_t sequence, int64_t left_time)
{
	unsigned char buf[INODE_KEY_SIZE], number[ENTRY_KEY_SIZE];
	struct span record;
	int named = txn_delete(txn, STORE_INODE, inode_key(id->inode, sequence, buf));

	if (sequence & ENTRY_LEFT)
		(void)txn_delete(txn, STORE_LEFT, entry_key(sequence & ~ENTRY_LEFT, number));
	else if (entry_get(txn, sequence, &record) == 1)
		drop_message(txn, sequence, record, left_time);
	return txn->code != 0 ? txn->code : named;
}

void leaving_begin(struct leaving *l, struct txn *txn)
{
	l->txn = txn;
	l->names = cursor_open(txn, STORE_INODE);
	l->messages = cursor_open(txn, STORE_MESSAGE);
}

void leaving_end(struct leaving *l)
{
	cursor_close(l->names);
	cursor_close(l->messages);
}

static bool is_kept(const struct leaving *l, const struct record_head *head)
{
	int64_t seen = head->end_time > l->seen ? head->end_time : l->seen;

	return l->now - seen < ENTRY_LEFT_TIME;
}

static void doom_authors(struct leaving *l, uint64_t sequence, const struct record_head *head)
{
	unsigned char buf[AUTHOR_KEY_SIZE];
	struct span key;
	size_t at = 0;

	while (record_next_author(head, &at, &key) == 1)
		if (author_rows_add(l->authors, author_key(key, sequence, buf)) != 0)
			(void)txn_fail(l->txn, -ENOMEM, NULL);
}

static void leave_row(struct leaving *l, uint64_t sequence)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key = entry_key(sequence, buf), record;
	struct kept_head kept; /* 17 KB: not initialized */
	bool there =
	    cursor_seek(l->messages, key, &key, &record) == 1 && entry_number(key) == sequence;
	bool sound = there && keep_head(record, &kept) == 0;

	if (sound && kept.head.end_time >= l->before)
		return;
	if (there)
		txn_changed(l->txn, sequence, record, empty);
	if (sound && is_kept(l, &kept.head))
		keep_left(l->txn, record, &kept, l->now);
	if (there)
		(void)cursor_delete(l->messages);
	if (sound)
		doom_authors(l, sequence, &kept.head);
	(void)cursor_delete(l->names);
	l->dropped++;
	l->silent += !sound || !kept.head.read;
}

void entry_leave(struct leaving *l, const struct packed_id *id)
{
	unsigned char buf[INODE_KEY_SIZE];
	struct span key = inode_key(id->inode, 0, buf), value;
	struct packed_id found;
	uint64_t sequence;
	int more = cursor_seek(l->names, key, &key, &value);

	while (more == 1 && inode_split(key, value, &found, &sequence) &&
	       found.inode == id->inode && !(sequence & ENTRY_LEFT)) {
		if (((found.time ^ id->time) & ~PACKED_ID_FLAGS) == 0)
			leave_row(l, sequence);
		more = cursor_next(l->names, &key, &value);
	}
}

/* The older rows of an inode are most likely dead, but may be first passes. */
static void make_room(struct txn *txn, const struct kept_head *newcomer)
{
	uint64_t rows[ENTRY_INODE_ROWS] = {0};
	struct packed_id id = newcomer->id;

	if (collect(txn, id.inode, NULL, false, rows, ENTRY_INODE_ROWS) < ENTRY_INODE_ROWS)
		return;
	for (int i = 0; i < ENTRY_INODE_ROWS / 2; i++)
		(void)entry_drop(txn, &id, rows[i], newcomer->head.end_time);
}

void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct kept_head kept;
	uint64_t sequence;
	int code = keep_head(record, &kept);

	if (code != 0) {
		(void)txn_fail(txn, code == ERR_LIMIT ? code : ERR_SYNTAX, "not a record");
		return;
	}
	make_room(txn, &kept);
	sequence = last_number(txn, STORE_MESSAGE) + 1;
	txn_changed(txn, sequence, empty, record);
	txn_put(txn, STORE_MESSAGE, entry_key(sequence, buf), record, true);
	change_authors(txn, sequence, &kept.head, NULL, true);
	put_inode(txn, &kept.id, sequence, &kept.head);
	if (ret_sequence)
		*ret_sequence = sequence;
}

void entry_replace(struct txn *txn, uint64_t sequence, struct span record)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct kept_head was, is;
	struct span old;

	if (entry_get(txn, sequence, &old) != 1 || keep_head(old, &was) != 0 ||
	    keep_head(record, &is) != 0 || !queue_id_equal(&was.head.queue_id, &is.head.queue_id)) {
		(void)txn_fail(txn, ERR_SYNTAX, "not a record of this row");
		return;
	}
	txn_changed(txn, sequence, old, record);
	txn_put(txn, STORE_MESSAGE, entry_key(sequence, buf), record, false);
	change_authors(txn, sequence, &was.head, &is.head, false);
	change_authors(txn, sequence, &is.head, &was.head, true);
	put_inode(txn, &is.id, sequence, &is.head);
}

/* Deletes move pages under a cursor, so none is kept open. Returns 1 with the sequence (ENTRY_LEFT
 * set as needed) and value, 0, or the sticky code. */
static int first_row(
    struct txn *txn, enum store_table table, uint64_t *ret_sequence, struct span *ret_value)
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, table);
	struct span key;
	int found = cursor_seek(cursor, empty, &key, ret_value);

	if (found == 1)
		*ret_sequence = entry_number(key) | (table == STORE_LEFT ? ENTRY_LEFT : 0);
	return found;
}

static void drop_row(struct txn *txn, uint64_t sequence)
{
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span record = empty;
	struct record_head head;
	struct packed_id id;

	if (entry_get(txn, sequence, &record) == 1 && record_head(record, &head) == 0 &&
	    queue_id_pack(&head.queue_id, &id) == 0) {
		(void)entry_drop(txn, &id, sequence, 0);
		return;
	}
	if (!(sequence & ENTRY_LEFT))
		txn_changed(txn, sequence, record, empty);
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

/* now: if not 0, drops only expired rows of STORE_LEFT. */
static size_t drop_oldest(struct txn *txn, enum store_table table, size_t n, int64_t now)
{
	uint64_t sequence;
	size_t dropped = 0;
	struct span value;

	while (dropped < n && first_row(txn, table, &sequence, &value) == 1 &&
	       (now == 0 || is_past(value, now))) {
		drop_row(txn, sequence);
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
