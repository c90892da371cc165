/* SPDX-License-Identifier: ISC */
/* What the files of the index share: the open index, what META says, writing in slices. */
#ifndef PQPURGE_INDEX_INSIDE_H
#define PQPURGE_INDEX_INSIDE_H

#include <stdatomic.h>

#include "index/index.h"
#include "index/index_lock.h"
#include "index/rows/entry.h"

struct index {
	char *directory, *path; /* of the data file */
	struct index_lock lock;
	struct store *store;
	atomic_uint waiting; /* sessions that want the write lock, or have it */
	atomic_ullong recorded, left_out;
	atomic_bool near_full; /* each row that comes pushes out old ones */
	atomic_bool pruning;   /* from the high mark down to the low one */
};

/* ---- META */

struct index_meta {
	struct queue_place place;
	char queue_directory[256], hostname[256];
	int64_t caught_up;
	uint64_t evicted;
	int64_t evicted_time;
};
/* What is missing or cannot be read is zero. 0 or the sticky code. */
int meta_get(struct txn *txn, struct index_meta *ret);
void meta_put(struct txn *txn, const struct index_meta *meta);

/* ---- room (index_room.c) */

/* In a session's transaction: where the map is nearly full, the oldest rows go. */
void room_keep(struct index *ix, struct txn *txn);
/* Whether a session's row would push others out: then a catch-up's, which can be read again, may
 * not. */
bool room_is_short(struct txn *txn);
/* After ERR_FULL: drops some of the oldest rows in a transaction of its own. */
void room_make(struct index *ix);

/* ---- slices: a write transaction that ends in time for others */

struct slice {
	struct index *ix;
	struct txn txn;
	int64_t began;
};
/* Begins one; between two, sessions that wait come first. Even on failure the transaction may be
 * used, and does nothing. */
void slice_begin(struct slice *s, struct index *ix);
/* Whether there is time for more in it. */
bool slice_has_time(const struct slice *s);

#endif
