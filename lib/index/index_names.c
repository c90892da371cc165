/* SPDX-License-Identifier: ISC */
/* All IDs, from the inode table alone: sorted, each once. */
#include <errno.h>

#include "base/clock.h"
#include "index/inside.h"

#define LOOK 4096 /* rows between two looks at the clock */

struct names {
	struct packed_id *list;
	size_t count, cap;
	int64_t deadline;
};

static int add(struct names *n, const struct packed_id *id)
{
	if (n->count == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : LOOK;
		struct packed_id *list = reallocarray(n->list, cap, sizeof *list);

		if (!list)
			return -ENOMEM;
		n->list = list;
		n->cap = cap;
	}
	n->list[n->count++] = *id;
	return 0;
}

/* ---- gathering */

/* At most LOOK rows from key on; key becomes the one to go on with. 1 there may be more, 0, or the
 * sticky code. */
static int gather_some(struct txn *txn, struct names *n, unsigned char key[16])
{
	struct store_cursor *cursor = cursor_open(txn, STORE_INODE);
	struct span at = {.at = key, .len = 16}, value;
	struct packed_id id;
	int more = cursor_seek(cursor, at, &at, &value);

	for (size_t i = 0; more == 1 && i < LOOK; i++) {
		if (entry_name(at, value, &id) && add(n, &id) != 0)
			(void)txn_fail(txn, -ENOMEM, NULL);
		more = cursor_next(cursor, &at, &value);
	}
	if (more == 1 && at.len == 16)
		memcpy(key, at.at, 16);
	else if (more == 1)
		more = txn_fail(txn, ERR_DAMAGED, NULL);
	cursor_close(cursor);
	return txn->code != 0 ? txn->code : more;
}

static int gather(struct txn *txn, struct names *n)
{
	unsigned char key[16] = {0};
	int64_t began = clock_steady(), now;
	int more;

	while ((more = gather_some(txn, n, key)) == 1) {
		now = clock_steady();
		if (now > n->deadline)
			return txn_fail(txn, ERR_TIMEOUT, "reading the index took too long");
		if (now - began > INDEX_SNAPSHOT) {
			(void)txn_renew(txn);
			began = now;
		}
	}
	return more;
}

/* ---- sorting: by digits, the last one first; what is the same in all is passed over */

#define DIGITS 16
#define VALUES 256

static unsigned digit_of(const struct packed_id *id, unsigned digit)
{
	uint64_t word = digit < 8 ? id->inode : id->time & ~PACKED_ID_FLAGS;

	return word >> 8 * (digit % 8) & 0xff;
}

static void sort_by(const struct names *n, unsigned digit, struct packed_id *sorted)
{
	size_t counts[VALUES] = {0}, sum = 0;

	for (size_t i = 0; i < n->count; i++)
		counts[digit_of(&n->list[i], digit)]++;
	for (unsigned value = 0; value < VALUES; value++) {
		size_t count = counts[value];

		counts[value] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n->count; i++)
		sorted[counts[digit_of(&n->list[i], digit)]++] = n->list[i];
}

static int sort(struct names *n)
{
	struct packed_id *other = calloc(n->count + 1, sizeof *other), *sorted;
	struct packed_id differ = {0};

	if (!other)
		return -ENOMEM;
	for (size_t i = 1; i < n->count; i++) {
		differ.time |= n->list[i].time ^ n->list[0].time;
		differ.inode |= n->list[i].inode ^ n->list[0].inode;
	}
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		if (digit_of(&differ, digit) == 0)
			continue;
		sort_by(n, digit, other);
		sorted = other;
		other = n->list;
		n->list = sorted;
	}
	free(other);
	return 0;
}

/* Of several rows of one ID: read only where all were. */
static void merge(struct names *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->count; i++) {
		struct packed_id *last = kept > 0 ? &n->list[kept - 1] : NULL;

		if (!last || ((last->time ^ n->list[i].time) & ~PACKED_ID_FLAGS) != 0 ||
		    last->inode != n->list[i].inode)
			n->list[kept++] = n->list[i];
		else if (!(n->list[i].time & INDEX_NAME_READ))
			last->time &= ~INDEX_NAME_READ;
	}
	n->count = kept;
}

int index_names(struct index *ix, int64_t deadline, struct bytes *out, struct err *err)
{
	struct names n = {.deadline = deadline};
	struct index_meta meta = {0};
	struct txn txn;
	int code;

	(void)txn_begin(ix->store, false, &txn);
	(void)meta_get(&txn, &meta);
	code = gather(&txn, &n);
	txn_abort(&txn);
	if (code == 0)
		code = sort(&n);
	if (code == 0) {
		merge(&n);
		bytes_put_u64(out, meta.place.device);
		bytes_put_u64(out, meta.place.inode);
		bytes_put_u64(out, n.count);
		bytes_put(out, n.list, n.count * sizeof *n.list);
	}
	free(n.list);
	if (txn.code != 0)
		return err_set(err, txn.code, "%s", txn.err.text);
	return code != 0 || out->failed ? err_sys(err, ENOMEM, "failed to list the index") : 0;
}
