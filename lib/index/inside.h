/* SPDX-License-Identifier: ISC */
/* Shared by the files of the index. */
#pragma once

#include <stdatomic.h>

#include "index/index.h"
#include "index/index_lock.h"
#include "index/rows/entry.h"

struct index {
	char *directory, *path; /* path: the data file */
	struct index_lock lock;
	struct store *store;
	atomic_uint waiting; /* sessions that want or have the write lock */
	atomic_ullong recorded, left_out;
	atomic_bool near_full; /* each new row pushes out old ones */
	atomic_bool pruning;   /* from the high mark down to the low one */
};

/* META: place, queue_directory, hostname, caught_up, evicted, evicted_time. Missing or unreadable
 * values are zero. 0 or the sticky code. */
int meta_get(struct txn *txn, struct index_counts *ret);
void meta_put(struct txn *txn, const struct index_counts *meta);

/* In a session's transaction: drops the oldest rows if the map is nearly full. */
void room_keep(struct index *ix, struct txn *txn);
/* Whether a new row would push others out; catch-up then adds none. */
bool room_is_short(struct txn *txn);
/* After ERR_FULL: drops the oldest rows in a transaction of its own. */
void room_make(struct index *ix);

struct slice {
	struct index *ix;
	struct txn txn;
	int64_t began;
};
/* Lets waiting sessions go first. On failure the transaction does nothing. */
void slice_begin(struct slice *s, struct index *ix);
bool slice_has_time(const struct slice *s);
