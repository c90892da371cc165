/* SPDX-License-Identifier: ISC */
/*
 * Rows of one message: its record, its author keys (of both halves), its inode row. Written inside
 * a write transaction.
 *
 * Several messages may claim one inode: only the queue file can tell which of them it is, so a
 * newcomer never replaces a row. At most ENTRY_INODE_ROWS of an inode are kept; the oldest go.
 *
 * A message that left keeps its record, in a table of its own, where selections and names do not
 * look, for what comes back from a content filter to be joined with.
 *
 * Key of an inode row: the inode that the ID names, u64 big-endian; sequence, u64 big-endian, with
 * ENTRY_LEFT set where it is one of STORE_LEFT. Value: packed_id.time, u64 little-endian, with
 * index.h's flags.
 */
#ifndef PQPURGE_INDEX_ENTRY_H
#define PQPURGE_INDEX_ENTRY_H

#include "index/rows/author_rows.h"
#include "index/rows/record.h"
#include "index/store.h"

#define ENTRY_INODE_ROWS 8
#define ENTRY_LEFT       (UINT64_C(1) << 63)
#define ENTRY_LEFT_TIME  (3600 * INT64_C(1000000)) /* microseconds that a left row is kept */

/*
 * Adds a record (from record_encode) under the next sequence. Failures are the transaction's sticky
 * code: ERR_SYNTAX for what is no record, ERR_LIMIT for an ID that cannot be packed. ret_sequence
 * may be NULL.
 */
void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence);
/* Puts another record of the same message, same ID, in the place of the one of sequence. */
void entry_replace(struct txn *txn, uint64_t sequence, struct span record);

/*
 * The rows of exactly this ID: fills list with at most max sequences, ascending, and returns how
 * many, or the sticky code. left: of STORE_LEFT (with ENTRY_LEFT set) instead of STORE_MESSAGE.
 */
int entry_find(struct txn *txn, const struct packed_id *id, bool left, uint64_t *list, size_t max);
/* The record of a sequence that entry_find gave: 1, 0, or the sticky code. */
int entry_get(struct txn *txn, uint64_t sequence, struct span *ret_record);

/*
 * Drops a row that entry_find gave, however damaged: 1, 0 (not there), or the sticky code.
 * left_time: not 0, the record of a message row is kept as one that left then (wall).
 */
int entry_drop(struct txn *txn, const struct packed_id *id, uint64_t sequence, int64_t left_time);
/* Dropping rows of messages that left, many in one transaction. */
struct leaving {
	int64_t before; /* rows whose message ended then or later are another's, and stay */
	int64_t now;    /* wall */
	int64_t seen;   /* wall: what is there was last seen in the queue then; 0 unknown */
	uint64_t dropped, silent; /* counted up; silent: of these, never seen in the queue */
	struct author_rows
	    *authors; /* gets their author rows, which stay until the caller drops them */
	/* Private. */
	struct txn *txn;
	struct store_cursor *names, *messages;
};
void leaving_begin(struct leaving *l, struct txn *txn);
void leaving_end(struct leaving *l);
/* Drops the rows of exactly this ID. Their records are kept as those of left messages where they
 * may have left less than ENTRY_LEFT_TIME ago. */
void entry_leave(struct leaving *l, const struct packed_id *id);

/* Drops left rows past their time, the oldest first, at most n; returns how many. now: wall. */
size_t entry_forget(struct txn *txn, int64_t now, size_t n);
/*
 * Drops the n oldest rows, left ones first, then messages, which it adds to *messages; returns how
 * many rows. Of a record too damaged to name its keys they stay: readers pass over author rows that
 * point nowhere, and what catch-up finds in no queue loses its inode row.
 */
size_t entry_prune(struct txn *txn, size_t n, size_t *messages);

/* The key of a message row, and the number in one; 0 if it is none. */
#define ENTRY_KEY_SIZE 8
struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE]);
uint64_t entry_number(struct span key);
/* An inode row taken apart; false for one of a left message, and for what is none. */
bool entry_name(struct span key, struct span value, struct packed_id *ret);
/* The parts of an author row's key: key bytes, NUL, sequence. False for a key that is none. */
bool entry_author_split(struct span stored, struct span *ret_key, uint64_t *ret_sequence);

#endif
