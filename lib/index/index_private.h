/* SPDX-License-Identifier: ISC */
/* Shared by the files of the index. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "index/census/census.h"
#include "index/index.h"
#include "index/index_lock.h"
#include "index/rows/entry.h"

/* The counts by group, kept from the first question on until nobody asks any more. */
struct counting {
	struct store_watch watch;
	/* Only under the store's write lock. */
	struct bytes journal; /* what the transaction changed */
	uint64_t upto;        /* rows of later sequences are not counted yet */
	/* Under lock; the pointer is set under the write lock as well. */
	pthread_mutex_t lock;
	struct census *census; /* NULL: nobody asks */
	bool whole;            /* all rows are counted */
	int64_t asked;         /* steady */
	pthread_mutex_t turn;  /* of whoever counts all rows */
};

struct index {
	char *directory, *path; /* path: the data file */
	struct index_lock lock;
	struct store *store;
	atomic_uint waiting; /* sessions that want or have the write lock */
	atomic_ullong recorded, left_out;
	atomic_ullong begun,
	    ended;             /* updates with records; both from a time, so never twice alike */
	atomic_bool near_full; /* each new row pushes out old ones */
	atomic_bool pruning;   /* from the high mark down to the low one */
	struct counting counting;
};

/* index_groups.c: before the first transaction, after the last, and in a slice each second. */
void counting_begin(struct index *ix);
void counting_end(struct index *ix);
void counting_rest(struct index *ix);

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
