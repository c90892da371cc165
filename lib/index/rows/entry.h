/* SPDX-License-Identifier: ISC */
/*
 * The rows of one message: record, author keys (of both halves), inode row.
 *
 * Several messages may claim one inode, and only the queue file can tell which of them it is, so a
 * new one never replaces a row. At most ENTRY_INODE_ROWS of an inode are kept; one more pushes out
 * the older half at once, since dropping eight in one transaction costs little more than dropping
 * one.
 *
 * The record of a message that left moves to STORE_LEFT, where selections and names do not look:
 * mail that comes back from a content filter is joined with it.
 *
 * Key of an inode row: inode of the ID, u64 big-endian; sequence, u64 big-endian, with ENTRY_LEFT
 * set if the record is in STORE_LEFT. Value: packed_id.time, u64 little-endian, with index.h's
 * flags.
 */
#pragma once

#include "index/rows/author_rows.h"
#include "index/rows/record.h"
#include "index/store/store.h"

#define ENTRY_INODE_ROWS 16
#define ENTRY_LEFT       (UINT64_C(1) << 63)
#define ENTRY_LEFT_TIME  (3600 * INT64_C(1000000)) /* microseconds */

/* Adds a record under the next sequence. Errors are sticky in txn: ERR_SYNTAX for a bad record,
 * ERR_LIMIT for an ID that cannot be packed. ret_sequence may be NULL. */
void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence);
/* Replaces the record of sequence by another with the same ID. */
void entry_replace(struct txn *txn, uint64_t sequence, struct span record);

/* Fills list with at most max sequences of this ID, ascending; returns how many, or the sticky
 * code. left: those in STORE_LEFT (with ENTRY_LEFT set). */
int entry_find(struct txn *txn, const struct packed_id *id, bool left, uint64_t *list, size_t max);
/* The record of a sequence from entry_find: 1, 0, or the sticky code. */
int entry_get(struct txn *txn, uint64_t sequence, struct span *ret_record);

/* Drops a row from entry_find, even a damaged one: 1, 0 not there, or the sticky code. left_time
 * (wall): if not 0, its record moves to STORE_LEFT. */
int entry_drop(struct txn *txn, const struct packed_id *id, uint64_t sequence, int64_t left_time);
/* Drops rows of many messages that left, in one transaction. */
struct leaving {
	int64_t before; /* rows whose message ended then or later stay */
	int64_t now;    /* wall */
	int64_t seen;   /* wall: when the rows' messages were last seen in the queue; 0 unknown */
	uint64_t dropped, silent;    /* silent: those never seen in the queue */
	struct author_rows *authors; /* gets the author rows, for the caller to drop */
	/* Private. */
	struct txn *txn;
	struct store_cursor *names, *messages;
};
void leaving_begin(struct leaving *l, struct txn *txn);
void leaving_end(struct leaving *l);
/* Drops the rows of this ID. Records that may have left less than ENTRY_LEFT_TIME ago move to
 * STORE_LEFT. */
void entry_leave(struct leaving *l, const struct packed_id *id);

/* Drops at most n expired left rows, the oldest first; returns how many. now: wall. */
size_t entry_forget(struct txn *txn, int64_t now, size_t n);
/* Drops the n oldest rows, left ones first; returns how many and adds dropped messages to
 * *messages. Author keys of a damaged record stay; readers skip them. */
size_t entry_prune(struct txn *txn, size_t n, size_t *messages);

/* A message row's key, and the sequence in one; 0 if malformed. */
#define ENTRY_KEY_SIZE 8
struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE]);
uint64_t entry_number(struct span key);
/* Takes an inode row apart; false for a left message's or a malformed one. */
bool entry_name(struct span key, struct span value, struct packed_id *ret);
/* Splits an author row's key (key bytes, NUL, sequence); false if malformed. */
bool entry_author_split(struct span stored, struct span *ret_key, uint64_t *ret_sequence);
