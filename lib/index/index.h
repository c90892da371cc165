/* SPDX-License-Identifier: ISC */
/*
 * The index: a cache of the queue, good for one boot, and its one owner. Exactly one process has
 * the store open: the daemon, or a command's child while no daemon runs. In index_directory lie
 *
 * - lock: an flock(2) taken before the store is opened and kept until after it is closed (LMDB
 *   0.9.25 to 0.9.31 destroys the mutexes of others at close); see index_lock.h for what it holds
 * - index.mdb, index.mdb-lock: LMDB's, opened with MDB_NOSYNC | MDB_NOSUBDIR and never MDB_WRITEMAP
 * - index.mdb.bad: the last one that could not be used
 * - control.sock: the daemon's (wire.h)
 *
 * Rows live until their message left the queue, the map is full (the oldest go first), or the
 * machine boots. What is lost is read again from the queue files.
 *
 * Threads: any number of threads may record and read; LMDB's own writer mutex is the only lock, and
 * nobody holds it for longer than INDEX_SLICE. What works in slices waits between two of them until
 * the sessions that wait for the mutex had it, at most INDEX_PAUSE.
 */
#ifndef PQPURGE_INDEX_INDEX_H
#define PQPURGE_INDEX_INDEX_H

#include "index/rows/select.h"
#include "mail/message.h"

#define INDEX_FILE     "index.mdb"
#define INDEX_LOCK     "lock"
#define INDEX_SOCKET   "control.sock"
#define INDEX_SLICE    2000         /* microseconds of the write lock at once */
#define INDEX_PAUSE    5000         /* microseconds between two slices, at most */
#define INDEX_SNAPSHOT (500 * 1000) /* microseconds that a reader pins a snapshot */

struct index;

/* Where a queue lies: what its rows were made for. */
struct queue_place {
	uint64_t device, inode; /* of the queue directory; 0, 0 = not known yet */
};

/*
 * Takes the lock and opens or makes the index as the calling user. map_size is lowered to half of
 * what the file system has free (not below 1 MiB). An index of another boot, or of another version,
 * is emptied. A file that cannot be opened, is damaged, or whose opener died twice in a row is set
 * aside ("index.mdb.bad", one is kept) and made anew; *ret_note (may be NULL) then says why, and is
 * untouched otherwise. After an owner that did not close it, all rows are read once, so that damage
 * shows here.
 * Errors: ERR_LOCKED (with the pid that has it), ERR_NO_INDEX (no such directory), ERR_FULL,
 * -EACCES, each with words.
 */
int index_open(const char *directory, int64_t map_size, struct index **ret, struct err *ret_note,
    struct err *err) NODISCARD;
/* Closes the store, then lets go of the lock. NULL is fine. No call may be under way. */
void index_close(struct index *ix);
/*
 * Still the directory's files, and usable? 0, or ERR_STALE: close it and open anew (one that turned
 * out damaged is set aside then). Call it each second. Any thread.
 */
int index_check(struct index *ix) NODISCARD;

/*
 * Records what the milter saw of one message, in one transaction, in the calling thread. Where the
 * map is full the oldest rows make room and it is tried once more. 0; ERR_FULL, ERR_STALE or
 * another negative code: the message is left out and counted, and will be read from the queue.
 * An older row of the same inode stays: only the queue file can tell which of the two it is.
 */
int index_record(struct index *ix, const struct message *m, struct err *err) NODISCARD;

struct index_counts {
	uint64_t rows, used_bytes, map_bytes, file_bytes;
	uint64_t recorded;    /* since it was opened */
	uint64_t left_out;    /* could not be recorded since it was opened */
	uint64_t evicted;     /* the oldest, dropped for room, in this boot */
	int64_t evicted_time; /* wall; the last time; 0 = never */
	int64_t caught_up;    /* wall; begin of the last whole catch-up; 0 = never in this boot */
	struct queue_place place;
	char queue_directory[256]; /* whose rows these are; "" not known yet */
	char hostname[256];
};
int index_count(struct index *ix, struct index_counts *ret, struct err *err) NODISCARD;
/*
 * Drops rows of left messages past their hour, and the oldest rows while the map is near its bound,
 * one slice: 1 there is more, 0, or a code. Call it each second, and again at once after 1.
 */
int index_prune(struct index *ix, struct err *err) NODISCARD;

/* ---- what the command asks; the daemon's control thread and a command's child call the same, by
 * serve.h. Each gives its snapshot up every INDEX_SNAPSHOT and goes on at its key. deadline is
 * steady; past it they end with ERR_TIMEOUT. */

/* Rows that selector means: select.h's format. */
int index_find(struct index *ix, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err) NODISCARD;

/*
 * All IDs: u64 device, u64 inode (struct queue_place), u64 count, then count struct packed_id, each
 * once, in ascending order of inodes. Flag A: the file was read, and nothing was recorded under
 * this ID since. Flag B: its inode is not the one that the ID names (a restored spool).
 */
#define INDEX_NAME_READ  PACKED_ID_FLAG_A
#define INDEX_NAME_MOVED PACKED_ID_FLAG_B
int index_names(struct index *ix, int64_t deadline, struct bytes *out, struct err *err) NODISCARD;

/*
 * One update by a catch-up (update.h), applied in slices.
 *
 * A read record completes the row that identity_judge proves it to be, and drops the other rows of
 * the same ID; where no row is proven it becomes a row of its own, unless that would push others
 * out of a full map: it can be read again. A left ID loses its rows. Rows whose message ended after
 * the catch-up began are another's, and stay.
 *
 * A read record that names its first pass (first.queue_id), and whose client is local, is joined
 * with the row of that ID where join_judge agrees (mail/join.h): first.login and first.client are
 * then that row's, and MESSAGE_JOINED is set. Rows of left messages serve for that for an hour
 * more. Where a row of that ID is there but join_judge says no, login and client of `first` are
 * dropped and MESSAGE_UNJOINED is set; where there is none, both stay as the file's Received says,
 * with MESSAGE_UNJOINED. Where the client is not local, `first` is dropped: a stranger wrote it.
 *
 * With selector, out gets those of the read records, as they stand in the index now, that it means
 * (select.h's format, but in the order of the body). own_networks: packed list of blocks that count
 * as local for joins; loopback and no client at all always do.
 */
struct index_updated {
	uint64_t completed, added, dropped;
	uint64_t silent; /* of dropped: never seen in the queue, so nothing is said of them */
};
int index_update(struct index *ix, struct span body, const struct selector *selector,
    const struct strlist *own_networks, int64_t deadline, struct bytes *out,
    struct index_updated *ret, struct err *err) NODISCARD;

#endif
