/* SPDX-License-Identifier: ISC */
/*
 * The index directory as its one writer has it: lock, store, journal, run file. Whoever opens it
 * becomes the only writer: the daemon for its life, or the command while no daemon runs. In it lie:
 *
 * - lock: flock'd by the writer, holds its pid
 * - data.mdb, lock.mdb: LMDB's
 * - journal: records that the store does not have yet, see journal.h
 * - run: touched every 10 s while a daemon records
 * - control.sock: the daemon's, see request.h
 */
#ifndef PQPURGE_INDEX_HOME_H
#define PQPURGE_INDEX_HOME_H

#include "index/journal.h"
#include "index/store.h"

#define HOME_SCHEMA         1
#define HOME_RUN_INTERVAL   (10 * INT64_C(1000000)) /* microseconds */
#define HOME_PREALLOCATE    (UINT64_C(32) << 20)
#define HOME_CONTROL_SOCKET "control.sock"

struct home {
	char *directory;
	int lock; /* descriptor */
	struct store *store;
	struct journal *journal;
	bool recording; /* a daemon: BEGIN was written, END is due */
};

/* META names */
#define HOME_META_SCHEMA   "schema"
#define HOME_META_INSTANCE "instance"
#define HOME_META_SYNCED   "synced" /* synced.h */
/* and "journal", see journal.h */

/*
 * Takes the lock and opens (or creates) the index as the calling user. map_size is lowered to a
 * tenth of the file system (not below 16 MiB); 0 = as it was made, and ERR_NO_INDEX where there is
 * none. recording: writes coverage_begin. Errors: ERR_LOCKED (with the pid that has it),
 * ERR_VERSION, ERR_DAMAGED (data_pages.h), ERR_FULL, -EACCES, -ENOENT (no such directory; it tries
 * to create the last component), each with words.
 */
int home_open(const char *directory, int64_t map_size, bool recording, struct home *ret,
    struct err *err) NODISCARD;
/*
 * Ends: if recording, the journal's records and an END row go into the store; store closed, lock
 * released. Where END cannot be written, the last sign of life stays as old as it is, and the
 * journal keeps its records for who opens the index next.
 */
void home_close(struct home *home);
/* Still the same directory and files? 0, or ERR_STALE: then home_abandon and home_open again. */
int home_check(struct home *home) NODISCARD;
/* Gives up without writing: after ERR_STALE or a store that must be reopened. */
void home_abandon(struct home *home);
/*
 * Sets the run file's time (wall microseconds): up to there nothing that was answered is missing
 * without a row that says so. Best effort.
 */
void home_touch(struct home *home, int64_t when);
/* That time: the last sign of life; 0 = there is none. */
int64_t home_last_sign(const char *directory);
/*
 * Moves an unreadable data file aside as data.mdb.damaged-TIME and removes LMDB's lock file, so
 * that home_open can begin anew. Takes the lock meanwhile: ERR_LOCKED where anybody has it, the
 * caller included.
 */
int home_set_aside(const char *directory, struct err *err) NODISCARD;

/*
 * Whether this program understands the index: 0 (also where no schema was written yet), ERR_VERSION
 * or ERR_DAMAGED with words, or the sticky code.
 */
int home_check_schema(struct txn *txn, const char *directory, struct err *err) NODISCARD;

/*
 * The Postfix instance (queue_directory and myhostname) that the index belongs to, META "instance":
 * two terminated strings. 1, 0 unset, or sticky.
 */
int home_instance(struct txn *txn, struct span *ret);
void home_set_instance(struct txn *txn, struct span instance);

#endif
