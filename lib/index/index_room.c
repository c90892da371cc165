/* SPDX-License-Identifier: ISC */
/*
 * Room in the map: rows of left messages past their hour, and the oldest rows, go before it is
 * full. What is dropped is read from the queue again when it is asked for.
 */
#include "base/clock.h"
#include "index/inside.h"

/* Parts of 1000 of the bound: index_prune begins past HIGH and ends below LOW; past BRIM each row
 * that comes pushes others out. */
#define LOW  900
#define HIGH 950
#define BRIM 970
/* Pages of the bound that are left for what a transaction changes: LMDB writes new pages, and uses
 * the old ones again two transactions later. */
#define RESERVE 64
#define BATCH   32 /* rows between two looks at the clock */
#define PUSH    2  /* rows that one pushes out */
#define FULL    64 /* rows that go where one did not fit */
#define LOOK    32 /* a session's transaction in so many looks how full the map is */

static void count_evicted(struct txn *txn, size_t rows)
{
	struct index_meta meta;

	if (meta_get(txn, &meta) != 0)
		return;
	meta.evicted += rows;
	if (rows > 0)
		meta.evicted_time = clock_wall();
	meta_put(txn, &meta);
}

/*
 * How full it is, in parts of 1000. The file never shrinks, and grows only where its file system
 * has room: of that it takes half.
 */
static uint64_t fullness(struct txn *txn)
{
	struct store_usage usage;
	uint64_t bound, grown;

	if (txn_usage(txn, &usage) != 0)
		return 0;
	bound = usage.map_pages;
	if (usage.used_pages > bound) { /* all rows would go for room that there is */
		(void)txn_fail(txn, ERR_DAMAGED, "the index is damaged (number of pages)");
		return 0;
	}
	grown = (usage.file_bytes + usage.free_bytes / 2) / usage.page_size;
	if (usage.free_bytes != UINT64_MAX && grown < bound)
		bound = grown;
	return bound > RESERVE ? usage.used_pages * 1000 / (bound - RESERVE) : 1000;
}

bool room_is_short(struct txn *txn)
{
	return fullness(txn) > BRIM;
}

void room_keep(struct index *ix, struct txn *txn)
{
	bool look = atomic_load(&ix->recorded) % LOOK == 0, full;
	size_t evicted = 0;

	if (!look && !atomic_load(&ix->near_full))
		return;
	full = room_is_short(txn);
	atomic_store(&ix->near_full, full);
	if (!full)
		return;
	(void)entry_prune(txn, PUSH, &evicted);
	count_evicted(txn, evicted);
}

static int prune_once(struct index *ix, size_t rows, size_t *evicted)
{
	struct txn txn;

	*evicted = 0;
	(void)txn_begin(ix->store, true, &txn);
	(void)entry_prune(&txn, rows, evicted);
	return txn_commit(&txn, NULL);
}

/*
 * Where even that does not fit, fewer rows change fewer pages. The rows are counted in another
 * transaction: LMDB uses pages again from the second one after theirs on.
 */
void room_make(struct index *ix)
{
	size_t evicted = 0;
	struct txn txn;
	int code = ERR_FULL;

	for (size_t rows = FULL; rows > 0 && code == ERR_FULL; rows /= 4)
		code = prune_once(ix, rows, &evicted);
	if (code != 0)
		return;
	(void)txn_begin(ix->store, true, &txn);
	count_evicted(&txn, evicted);
	(void)!txn_commit(&txn, NULL);
}

/* One batch: whether there is more to do. */
static bool drop_some(struct index *ix, struct txn *txn, size_t *evicted)
{
	uint64_t full;

	if (entry_forget(txn, clock_wall(), BATCH) == BATCH)
		return true;
	full = fullness(txn);
	if (full > HIGH)
		atomic_store(&ix->pruning, true);
	if (full < LOW)
		atomic_store(&ix->pruning, false);
	if (txn->code != 0 || !atomic_load(&ix->pruning))
		return false;
	return entry_prune(txn, BATCH, evicted) == BATCH;
}

int index_prune(struct index *ix, struct err *err)
{
	struct slice slice;
	size_t evicted = 0;
	bool more;
	int code;

	slice_begin(&slice, ix);
	do
		more = drop_some(ix, &slice.txn, &evicted);
	while (more && slice_has_time(&slice));
	if (evicted > 0)
		count_evicted(&slice.txn, evicted);
	code = txn_commit(&slice.txn, err);
	if (code == ERR_FULL) {
		room_make(ix);
		return 0;
	}
	return code != 0 ? code : more;
}
