/* SPDX-License-Identifier: ISC */
/*
 * Which queue IDs the index does not know. A queue directory names them in no order, and a table
 * looked up in no order costs a page of memory a row; so the IDs are sorted by inode for the inode
 * table, and what that names by sequence for the records.
 */
#include <errno.h>

#include "index/rows/entry.h"
#include "index/rows/select.h"

struct probe {
	uint64_t number; /* an inode, then the sequence that it names; 0 = none */
	uint32_t position;
};
struct unknown {
	const struct queue_id *ids;
	size_t count;
	struct probe *probes;
	unsigned char *known; /* by position */
};

static int compare_probes(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Inodes become the sequences that they name. */
static void find_sequences(struct txn *txn, struct unknown *u)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_INODE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct span key, value;

	for (size_t i = 0; i < u->count; i++) {
		struct probe *p = &u->probes[i];
		int at = cursor_seek(cursor, entry_key(p->number, buf), &key, &value);

		p->number = at == 1 && entry_number(key) == p->number ? entry_number(value) : 0;
	}
	cursor_close(cursor);
}

static void compare_records(struct txn *txn, struct unknown *u)
{
	struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
	unsigned char buf[ENTRY_KEY_SIZE];
	struct message message;
	struct span key, record;

	for (size_t i = 0; i < u->count; i++) {
		const struct probe *p = &u->probes[i];

		if (p->number != 0 &&
		    cursor_seek(cursor, entry_key(p->number, buf), &key, &record) == 1 &&
		    entry_number(key) == p->number && record_view(record, &message) == 0)
			u->known[p->position] =
			    queue_id_equal(&message.queue_id, &u->ids[p->position]);
	}
	cursor_close(cursor);
}

static void look_up(struct txn *txn, struct unknown *u)
{
	struct queue_id_parts parts;

	for (size_t i = 0; i < u->count; i++) {
		queue_id_split(&u->ids[i], &parts);
		u->probes[i] = (struct probe){.number = parts.inode, .position = (uint32_t)i};
	}
	qsort(u->probes, u->count, sizeof *u->probes, compare_probes);
	find_sequences(txn, u);
	qsort(u->probes, u->count, sizeof *u->probes, compare_probes);
	compare_records(txn, u);
}

/* Runs in the child, which ends soon and takes its memory with it; released all the same. */
static int unknown_work(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct unknown *u = arg;
	struct txn txn;
	int code = -ENOMEM;

	u->probes = calloc(u->count + 1, sizeof *u->probes);
	u->known = calloc(u->count + 1, 1);
	if (u->probes && u->known) {
		if (txn_begin(store, false, &txn) == 0)
			look_up(&txn, u);
		txn_abort(&txn);
		code = txn.code;
	}
	for (size_t i = 0; i < u->count && code == 0; i++)
		if (!u->known[i])
			bytes_put_u32(out, (uint32_t)i);
	free(u->probes);
	free(u->known);
	if (code != 0)
		return err_set(err, code, "%s", code == -ENOMEM ? "out of memory" : txn.err.text);
	return 0;
}

/* What the child handed over: positions, each below count. */
static int view_positions(struct blob memory, size_t count, uint32_t **ret, size_t *ret_count)
{
	struct reader r = reader_of(memory.at, memory.len);
	size_t found = memory.len / 4;
	uint32_t *list = calloc(found + 1, sizeof *list);
	bool sound = memory.len % 4 == 0 && found <= count;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < found && sound; i++) {
		list[i] = reader_u32(&r);
		sound = list[i] < count && (i == 0 || list[i] > list[i - 1]);
	}
	if (!sound) {
		free(list);
		return ERR_CHILD;
	}
	*ret = list;
	*ret_count = found;
	return 0;
}

int index_unknown(const char *directory, const struct queue_id *ids, size_t count,
    uint32_t **ret_unknown, size_t *ret_count, struct err *err)
{
	struct unknown arg = {.ids = ids, .count = count};
	struct blob memory = {0};
	int code = index_read(directory, unknown_work, &arg, &memory, err);

	if (code != 0)
		return code;
	code = view_positions(memory, count, ret_unknown, ret_count);
	blob_release(&memory);
	if (code != 0)
		return err_set(
		    err, code, "failed to compare the queue with the index (%s)", err_word(code));
	return 0;
}
