/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "index/index_private.h"

#define LOOK 100 /* microseconds */
/* The commit takes the other half. */
#define CHANGE_TIME (INDEX_SLICE / 2)

static const struct span meta_key = {.at = "index", .len = 5};

static void copy_text(struct reader *r, char *into, size_t size)
{
	(void)snprintf(into, size, "%s", reader_text(r));
}

int meta_get(struct txn *txn, struct index_counts *ret)
{
	struct index_counts meta = {0};
	struct span value;
	int found = txn_get(txn, STORE_META, meta_key, &value);
	struct reader r;

	if (found < 0)
		return found;
	if (found == 1) {
		r = reader_of(value.at, value.len);
		meta.place.device = reader_u64(&r);
		meta.place.inode = reader_u64(&r);
		meta.caught_up = reader_i64(&r);
		meta.evicted = reader_u64(&r);
		meta.evicted_time = reader_i64(&r);
		copy_text(&r, meta.queue_directory, sizeof meta.queue_directory);
		copy_text(&r, meta.hostname, sizeof meta.hostname);
		if (!reader_done(&r))
			meta = (struct index_counts){0};
	}
	*ret = meta;
	return 0;
}

void meta_put(struct txn *txn, const struct index_counts *meta)
{
	AUTO(bytes_release) struct bytes value = {0};

	bytes_put_u64(&value, meta->place.device);
	bytes_put_u64(&value, meta->place.inode);
	bytes_put_i64(&value, meta->caught_up);
	bytes_put_u64(&value, meta->evicted);
	bytes_put_i64(&value, meta->evicted_time);
	bytes_put_text(&value, meta->queue_directory);
	bytes_put_text(&value, meta->hostname);
	if (value.failed)
		(void)txn_fail(txn, -ENOMEM, NULL);
	txn_put(txn, STORE_META, meta_key, bytes_span(&value), false);
}

/* LMDB's writer mutex is not fair: a thread that releases it and at once takes it again starves the
 * others (up to 2 s were seen). */

void slice_begin(struct slice *s, struct index *ix)
{
	int64_t until = clock_steady() + INDEX_PAUSE;

	while (atomic_load(&ix->waiting) > 0 && clock_steady() < until)
		(void)usleep(LOOK);
	s->ix = ix;
	(void)txn_begin(ix->store, true, &s->txn);
	s->began = clock_steady();
}

bool slice_has_time(const struct slice *s)
{
	return s->txn.code == 0 && clock_steady() - s->began < CHANGE_TIME;
}

int index_check(struct index *ix)
{
	if (!index_lock_is_current(&ix->lock, ix->directory) ||
	    !slots_are_current(&ix->pending.slots, ix->pending.path))
		return ERR_STALE;
	return store_check(ix->store);
}

static int record_once(struct index *ix, struct span record, struct err *err)
{
	struct txn txn;

	(void)txn_begin(ix->store, true, &txn);
	room_keep(ix, &txn);
	entry_add(&txn, record, NULL);
	return txn_commit(&txn, err);
}

int index_record(struct index *ix, const struct message *m, struct err *err)
{
	AUTO(bytes_release) struct bytes record = {0};
	int code;

	record_encode(m, &record);
	atomic_fetch_add(&ix->waiting, 1);
	code = record.failed ? err_sys(err, ENOMEM, "failed to record a message")
			     : record_once(ix, bytes_span(&record), err);
	if (code == ERR_FULL) {
		room_make(ix);
		code = record_once(ix, bytes_span(&record), err);
	}
	atomic_fetch_sub(&ix->waiting, 1);
	atomic_fetch_add(code == 0 ? &ix->recorded : &ix->left_out, 1);
	return code;
}

int index_count(struct index *ix, struct index_counts *ret, struct err *err)
{
	struct store_usage usage = {0};
	struct index_counts counts = {0};
	struct txn txn;
	int code;

	index_settle(ix);
	(void)txn_begin(ix->store, false, &txn);
	(void)txn_usage(&txn, &usage);
	(void)meta_get(&txn, &counts);
	code = txn_commit(&txn, err);
	if (code != 0)
		return code;
	counts.rows = usage.rows[STORE_MESSAGE];
	counts.used_bytes = usage.used_pages * usage.page_size;
	counts.map_bytes = usage.map_pages * usage.page_size;
	counts.file_bytes = usage.file_bytes;
	counts.recorded = atomic_load(&ix->recorded);
	counts.left_out = atomic_load(&ix->left_out);
	*ret = counts;
	return 0;
}

uint64_t index_changes(const struct index *ix)
{
	uint64_t ended = atomic_load(&ix->ended);

	return atomic_load(&ix->begun) == ended ? ended : 0;
}

int index_find(struct index *ix, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err)
{
	index_settle(ix);
	return select_into(ix->store, selector, deadline, out, err);
}
