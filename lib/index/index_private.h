/* SPDX-License-Identifier: ISC */
/* Shared by the files of the index; not for other rooms. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "index/census/census.h"
#include "index/index.h"
#include "index/index_lock.h"
#include "index/pending/slots.h"
#include "index/rows/entry.h"

/* The counts by group, kept from the first question until nobody asks any more. */
struct counting {
	struct store_watch watch;
	/* Protected by the store's write lock. */
	struct bytes journal; /* what the current transaction changed */
	uint64_t upto;        /* rows with later sequences are not counted yet */
	/* Protected by `lock`. The pointer is set under the store's write lock as well. */
	pthread_mutex_t lock;
	struct census *census; /* NULL: nobody asks */
	bool whole;            /* all rows are counted */
	int64_t asked;         /* steady clock */
	pthread_mutex_t turn;  /* held by the thread that counts all rows */
};

/* Messages that are answered and not yet committed. */
struct pending {
	char *path;
	struct slots slots;
	pthread_mutex_t turn; /* held while slots are emptied */
	index_settled *told;
	void *arg;
};

struct index {
	char *directory, *path; /* path: the data file */
	struct index_lock lock;
	struct store *store;
	uint64_t sum;        /* checksum of the data file when opened; 0 unknown */
	atomic_uint waiting; /* sessions that want or have the write lock */
	atomic_ullong recorded, left_out;
	atomic_uint tried; /* rows of sessions, also those that failed */
	/* Updates with records. Both start at the time of the opening, so that no value comes
	 * twice. */
	atomic_ullong begun, ended;
	atomic_bool near_full; /* each new row pushes out old ones */
	atomic_bool pruning;   /* from crossing the high mark until below the low mark */
	struct counting counting;
	struct pending pending;
};

/* Call counting_begin before the first transaction, counting_end after the last, and counting_rest
 * in a slice every second. */
void counting_begin(struct index *ix);
void counting_end(struct index *ix);
void counting_rest(struct index *ix);

/* Call pending_begin before, and pending_end while the store is open. pending_recover records what
 * a killed process left; ERR_DAMAGED: its file was set aside. */
int pending_begin(struct index *ix) NODISCARD;
int pending_recover(struct index *ix) NODISCARD;
void pending_end(struct index *ix);

/* The META values place, queue_directory, hostname, caught_up, evicted and evicted_time. Missing or
 * unreadable values are zero. Returns 0 or the sticky code. */
int meta_get(struct txn *txn, struct index_counts *ret);
void meta_put(struct txn *txn, const struct index_counts *meta);

/* Called in a session's transaction: drops the oldest rows if the map is nearly full. */
void room_keep(struct index *ix, struct txn *txn);
/* Whether a new row would push out others. If so, catch-up adds none. */
bool room_is_short(struct txn *txn);
/* After ERR_FULL: drops the oldest rows in a transaction of its own. */
void room_make(struct index *ix);

struct slice {
	struct index *ix;
	struct txn txn;
	int64_t began;
};
/* Lets waiting sessions go first, for at most INDEX_PAUSE, then begins a write transaction. If that
 * fails, calls on the transaction do nothing. */
void slice_begin(struct slice *s, struct index *ix);
bool slice_has_time(const struct slice *s);
