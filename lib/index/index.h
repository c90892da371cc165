/* SPDX-License-Identifier: ISC */
/* The index: a cache of the queue, valid until the machine boots. Exactly one process has it open:
 * the daemon, or a command's child while no daemon runs. index_directory holds:
 *
 * - lock: flock(2)ed from before the store is opened until after it is closed, because LMDB 0.9.25
 *   to 0.9.31 destroys other processes' mutexes when it closes. Its content: index_lock.h.
 * - index.mdb, index.mdb-lock: LMDB's, opened with MDB_NOSYNC and MDB_NOSUBDIR, never MDB_WRITEMAP
 * - index.mdb.bad: the last data file that was set aside
 * - pending: messages of the daemon that are answered and not yet in index.mdb (slots.h)
 * - pending.bad: such a file of a killed daemon that could not be read
 * - control.sock: the daemon's socket (wire.h)
 *
 * A row lives until its message left the queue, the map is full (the oldest rows go first), or the
 * machine boots. Lost rows are read again from the queue files.
 *
 * Any thread may record and read. LMDB's writer mutex is held by a long job for at most INDEX_SLICE
 * at a time; index_pend takes no lock at all. Between two slices it lets waiting sessions go first,
 * for at most INDEX_PAUSE. */
#pragma once

#include "index/census/census.h"
#include "index/rows/select.h"
#include "mail/message.h"

#define INDEX_FILE     "index.mdb"
#define INDEX_LOCK     "lock"
#define INDEX_PENDING  "pending"
#define INDEX_SOCKET   "control.sock"
#define INDEX_SLICE    2000         /* microseconds of the write lock at a time */
#define INDEX_PAUSE    5000         /* microseconds between two slices, at most */
#define INDEX_SNAPSHOT (500 * 1000) /* microseconds that a reader pins a snapshot */

struct index;

/* The queue directory that the rows belong to. 0, 0: not known yet. */
struct queue_place {
	uint64_t device, inode;
};

/* Takes the lock, and opens or creates the index. map_size (bytes) is lowered to half of the file
 * system's free space, but not below 1 MiB. An index of another boot or version is emptied.
 *
 * A data file is set aside and replaced if it cannot be opened, is damaged, or if two openers in a
 * row died; *ret_note (may be NULL) then says why. Any change while nobody had it open, even of one
 * byte, is damage. If the last owner closed the index, a checksum of the file finds it; otherwise
 * all rows are read once.
 *
 * Returns 0, ERR_LOCKED (with the owner's pid), ERR_NO_INDEX (no directory), ERR_FULL or
 * -EACCES. */
int index_open(const char *directory, int64_t map_size, struct index **ret, struct err *ret_note,
    struct err *err) NODISCARD;
/* Closes the store, then releases the lock. No other call may be running. */
void index_close(struct index *ix);
/* Call it every second, from any thread. Returns 0, or ERR_STALE if the files were replaced or are
 * unusable: then close the index and open it again. */
int index_check(struct index *ix) NODISCARD;

/* Records what the milter saw of one message. If the map is full, the oldest rows make room. If it
 * fails, the message is counted in left_out, and catch-up will read it from the queue. An older row
 * of the same inode stays, because only the queue file can tell which message it is. */
int index_record(struct index *ix, const struct message *m, struct err *err) NODISCARD;

/* The same in two steps, so that the client does not wait for the commit. index_pend only puts the
 * message into a slot of shared memory (SLOTS of them, SLOT_ROOM bytes each), which survives kill
 * -9. from_fields (none if m->from is complete) are header From fields that nobody has scanned,
 * since that costs as much as all the rest. It waits for nothing; false: no slot is free, or the
 * message is too large, so record it.
 *
 * index_settle commits what all slots hold, several at a time, and tells of each message; when it
 * returns, all of it can be found. Whoever reads the index settles first, and so does index_close.
 * If the process is killed, the next index_open records them, without telling. */
typedef void index_settled(void *arg, const struct message *m, int code, const struct err *err);
/* Call it once, before the first index_pend; without it, or if the file system is full, nothing
 * can pend. told may be NULL, is called by any thread, and must not read the index. */
void index_pend_begin(struct index *ix, index_settled *told, void *arg);
bool index_pend(struct index *ix, const struct message *m, const struct strlist *from_fields);
void index_settle(struct index *ix);

struct index_counts {
	uint64_t rows, used_bytes, map_bytes, file_bytes;
	uint64_t recorded;    /* since the index was opened */
	uint64_t left_out;    /* since the index was opened */
	uint64_t evicted;     /* dropped for lack of room since the boot */
	int64_t evicted_time; /* wall clock; 0: never */
	/* Wall clock, start of the last complete catch-up; 0: none since the boot. */
	int64_t caught_up;
	uint64_t changes; /* index_changes; set only by select and names */
	struct queue_place place;
	char queue_directory[256]; /* "": not known yet */
	char hostname[256];
};
int index_count(struct index *ix, struct index_counts *ret, struct err *err) NODISCARD;
/* Does one slice of work: drops expired rows of messages that left, and the oldest rows if the map
 * is nearly full. Returns 1: call again at once; 0: call again in a second; or a code. */
int index_prune(struct index *ix, struct err *err) NODISCARD;

/* The queries below serve the command (serve.h). Each renews its snapshot every INDEX_SNAPSHOT and
 * returns ERR_TIMEOUT past the steady deadline. */

/* A number that changes when an update adds or completes rows, and with each opening. It is 0 while
 * an update is at work. If the number before index_find equals the one after index_names, no update
 * came between the two. */
uint64_t index_changes(const struct index *ix);

/* Appends the matching rows, in the format of select.h. */
int index_find(struct index *ix, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err) NODISCARD;

/* Appends all IDs: u64 device, u64 inode (struct queue_place), u64 count, then each struct
 * packed_id once, by ascending inode. Flag READ: the file was read, and nothing was recorded under
 * this ID since. Flag MOVED: the file's inode is not the one in the ID (a restored spool). */
#define INDEX_NAME_READ  PACKED_ID_FLAG_A
#define INDEX_NAME_MOVED PACKED_ID_FLAG_B
int index_names(struct index *ix, int64_t deadline, struct bytes *out, struct err *err) NODISCARD;

/* The counts by group (census.h). The first question counts all rows, in slices of the write lock.
 * The counts are then kept up to date until nobody has asked for INDEX_GROUPS_REST. Returns 0,
 * ERR_TIMEOUT or another code. */
#define INDEX_GROUPS_REST (300 * INT64_C(1000000)) /* microseconds */
int index_groups(struct index *ix, const struct census_question *q, int64_t deadline,
    struct json **ret, struct err *err) NODISCARD;

/* Applies a catch-up's update (update.h) in slices.
 *
 * A record completes the row that identity_judge proves to be the same message, and drops other
 * rows of its ID. If no row is proven, the record becomes a new row, unless the map is full: it can
 * be read again later. IDs that left the queue lose their rows. Rows whose message ended after
 * `began` stay.
 *
 * If a record has first.queue_id and its client is local (loopback, none, or in own_networks, a
 * packed list of blocks), the message came back from a content filter. If exactly one row of that
 * ID, in the queue or left within the hour, passes join_judge (mail/join.h), the two are joined:
 * first.login and first.client come from the row, and MESSAGE_JOINED is set.
 *
 * Otherwise MESSAGE_UNJOINED is set. Then, if there are rows of that ID, first's login and client
 * are dropped; if there are none, they stay as the file's Received header says. If the client is
 * not local, all of `first` is dropped, because a stranger wrote it.
 *
 * With a selector, out gets the matching records as they are now stored, in the body's order
 * (format of select.h). */
struct index_updated {
	uint64_t completed, added, dropped;
	uint64_t silent; /* of dropped: never seen in the queue */
};
int index_update(struct index *ix, struct span body, const struct selector *selector,
    const struct strlist *own_networks, int64_t deadline, struct bytes *out,
    struct index_updated *ret, struct err *err) NODISCARD;
