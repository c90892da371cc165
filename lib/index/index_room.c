/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "index/index_private.h"

/* Thousandths of the bound. index_prune starts above HIGH, stops below LOW. Above BRIM each new row
 * pushes out others. */
#define LOW  900
#define HIGH 950
#define BRIM 970
/* Pages reserved for a transaction's changes: LMDB writes new pages and can reuse the old ones only
 * two transactions later. */
#define RESERVE 64
#define BATCH   32 /* rows between two looks at the clock */
#define PUSH    2  /* rows that one new row pushes out */
#define FULL    64 /* rows dropped after ERR_FULL */
#define LOOK    32 /* one of LOOK session transactions checks how full the map is */

static void count_evicted(struct txn *txn, size_t rows)
{
	struct index_counts meta;

	if (meta_get(txn, &meta) != 0)
		return;
	meta.evicted += rows;
	if (rows > 0)
		meta.evicted_time = clock_wall();
	meta_put(txn, &meta);
}

/* Returns thousandths of the map, or of the file's possible size within half of the free space. */
static uint64_t fullness(struct txn *txn)
{
	struct store_usage usage;
	uint64_t bound, grown;

	if (txn_usage(txn, &usage) != 0)
		return 0;
	bound = usage.map_pages;
	if (usage.used_pages > bound) { /* otherwise all rows would be dropped in vain */
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
	bool look = atomic_fetch_add(&ix->tried, 1) % LOOK == 0, full;
	size_t evicted = 0;

	/* A failed transaction does not know how full the map is. */
	if (txn->code != 0 || (!look && !atomic_load(&ix->near_full)))
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

/* Dropping rows needs pages, too, so retry with fewer rows. They are counted in another
 * transaction, because LMDB reuses pages only from the second one on. */
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

/* Drops one batch. Returns true if there is more to do. */
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
	if (slice.txn.code == 0)
		counting_rest(ix);
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
