/* SPDX-License-Identifier: ISC */
/* The open index: recording, counting. Opening is index_open.c. */
#include "index/index.h"

#include <errno.h>

#include "index/inside.h"

int index_check(struct index *ix)
{
	return index_lock_is_current(&ix->lock, ix->directory) ? store_check(ix->store) : ERR_STALE;
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
	struct bytes record = {0};
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
	bytes_release(&record);
	return code;
}

int index_count(struct index *ix, struct index_counts *ret, struct err *err)
{
	struct store_usage usage = {0};
	struct index_meta meta = {0};
	struct txn txn;

	(void)txn_begin(ix->store, false, &txn);
	(void)txn_usage(&txn, &usage);
	(void)meta_get(&txn, &meta);
	txn_abort(&txn);
	if (txn.code != 0)
		return err_set(err, txn.code, "%s", txn.err.text);
	*ret = (struct index_counts){
	    .rows = usage.rows[STORE_MESSAGE],
	    .used_bytes = usage.used_pages * usage.page_size,
	    .map_bytes = usage.map_pages * usage.page_size,
	    .file_bytes = usage.file_bytes,
	    .recorded = atomic_load(&ix->recorded),
	    .left_out = atomic_load(&ix->left_out),
	    .evicted = meta.evicted,
	    .evicted_time = meta.evicted_time,
	    .caught_up = meta.caught_up,
	    .place = meta.place,
	};
	memcpy(ret->queue_directory, meta.queue_directory, sizeof ret->queue_directory);
	memcpy(ret->hostname, meta.hostname, sizeof ret->hostname);
	return 0;
}

int index_find(struct index *ix, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err)
{
	return select_into(ix->store, selector, deadline, out, err);
}
