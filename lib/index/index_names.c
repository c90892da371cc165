/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "index/index_private.h"

#define LOOK  4096 /* rows between two looks at the clock */
#define GROUP (2 * ENTRY_INODE_ROWS)

struct names {
	struct bytes *out;
	uint64_t count;
	struct packed_id group[GROUP]; /* the IDs of one inode, each once */
	size_t in_group;
	struct packed_id ready[LOOK];
	size_t ready_count;
};

static void flush(struct names *n)
{
	bytes_put(n->out, n->ready, n->ready_count * sizeof *n->ready);
	n->count += n->ready_count;
	n->ready_count = 0;
}

static void end_group(struct names *n)
{
	if (n->ready_count + n->in_group > LOOK)
		flush(n);
	memcpy(n->ready + n->ready_count, n->group, n->in_group * sizeof *n->group);
	n->ready_count += n->in_group;
	n->in_group = 0;
}

/* An ID with several rows is READ only if all its rows are. */
static void add(struct names *n, const struct packed_id *id)
{
	if (n->in_group > 0 && (n->group[0].inode != id->inode || n->in_group == GROUP))
		end_group(n);
	for (size_t i = 0; i < n->in_group; i++) {
		struct packed_id *same = &n->group[i];

		if (((same->time ^ id->time) & ~PACKED_ID_FLAGS) == 0) {
			same->time &= id->time | ~INDEX_NAME_READ;
			return;
		}
	}
	n->group[n->in_group++] = *id;
}

/* Takes at most LOOK rows from key on, and advances key. Returns 1 for more, 0, or the sticky
 * code. */
static int gather_some(struct txn *txn, struct names *n, unsigned char key[16])
{
	AUTO(cursor_release) struct store_cursor *cursor = cursor_open(txn, STORE_INODE);
	struct span at = {.at = key, .len = 16}, value;
	struct packed_id id;
	int more = cursor_seek(cursor, at, &at, &value);

	for (size_t i = 0; more == 1 && i < LOOK; i++) {
		if (entry_name(at, value, &id))
			add(n, &id);
		more = cursor_next(cursor, &at, &value);
	}
	if (more == 1 && at.len == 16)
		memcpy(key, at.at, 16);
	else if (more == 1)
		more = txn_fail(txn, ERR_DAMAGED, NULL);
	return txn->code != 0 ? txn->code : more;
}

static void gather(struct txn *txn, struct names *n, int64_t deadline)
{
	unsigned char key[16] = {0};
	int64_t began = clock_steady(), now;

	while (gather_some(txn, n, key) == 1) {
		now = clock_steady();
		if (now > deadline)
			(void)txn_fail(txn, ERR_TIMEOUT, "reading the index took too long");
		if (now - began > INDEX_SNAPSHOT) {
			(void)txn_renew(txn);
			began = now;
		}
	}
	end_group(n);
	flush(n);
}

int index_names(struct index *ix, int64_t deadline, struct bytes *out, struct err *err)
{
	struct names *n = malloc(sizeof *n);
	size_t start = out->len;
	struct index_counts meta = {0};
	struct txn txn;
	int code;

	if (!n)
		return err_sys(err, ENOMEM, "failed to list the index");
	n->out = out;
	n->count = n->in_group = n->ready_count = 0;
	index_settle(ix);
	(void)txn_begin(ix->store, false, &txn);
	(void)meta_get(&txn, &meta);
	bytes_put_u64(out, meta.place.device);
	bytes_put_u64(out, meta.place.inode);
	bytes_put_u64(out, 0);
	gather(&txn, n, deadline);
	code = txn_commit(&txn, err);
	bytes_set_u64(out, start + 16, n->count);
	free(n);
	if (code != 0)
		return code;
	return out->failed ? err_sys(err, ENOMEM, "failed to list the index") : 0;
}
