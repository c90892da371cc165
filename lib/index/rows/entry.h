/* SPDX-License-Identifier: ISC */
/* The rows of one message: its record, its author keys (of both halves), its inode row.
 *
 * Several messages may claim one inode, and only the queue file can tell which it is. So a new
 * message never replaces a row. Each inode has at most ENTRY_INODE_ROWS rows; one more pushes out
 * the older half at once, because dropping eight in a transaction costs little more than dropping
 * one.
 *
 * When a message leaves, its record moves to STORE_LEFT, which selections and names skip. Mail that
 * comes back from a content filter is joined with it there.
 *
 * Key of an inode row: the ID's inode, u64 big-endian; the sequence, u64 big-endian, with
 * ENTRY_LEFT set if the record is in STORE_LEFT. Value: packed_id.time, u64 little-endian, with
 * index.h's flags. */
#pragma once

#include "index/rows/author_rows.h"
#include "index/rows/record.h"
#include "index/store/store.h"

#define ENTRY_INODE_ROWS 16
#define ENTRY_LEFT       (UINT64_C(1) << 63)
#define ENTRY_LEFT_TIME  (3600 * INT64_C(1000000)) /* microseconds */

/* Adds a record under the next sequence, which *ret_sequence (may be NULL) gets. Errors are sticky
 * in txn: ERR_SYNTAX for a bad record, ERR_LIMIT for an ID that cannot be packed. */
void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence);
/* Replaces a record by another one with the same ID. */
void entry_replace(struct txn *txn, uint64_t sequence, struct span record);

/* Fills list with at most max sequences of rows with this ID, ascending. left: those in STORE_LEFT
 * (with ENTRY_LEFT set). Returns how many, or the sticky code. */
int entry_find(struct txn *txn, const struct packed_id *id, bool left, uint64_t *list, size_t max);
/* Gets the record of a sequence from entry_find. Returns 1, 0 not found, or the sticky code. */
int entry_get(struct txn *txn, uint64_t sequence, struct span *ret_record);

/* Drops a row that entry_find found, even a damaged one. If left_time (wall clock) is not 0, its
 * record moves to STORE_LEFT. Returns 1, 0 not found, or the sticky code. */
int entry_drop(struct txn *txn, const struct packed_id *id, uint64_t sequence, int64_t left_time);
/* Drops, in one transaction, the rows of many messages that left. */
struct leaving {
	int64_t before;           /* rows whose message ended then or later stay */
	int64_t now;              /* wall clock */
	int64_t seen;             /* wall clock: when they were last seen in the queue; 0 unknown */
	uint64_t dropped, silent; /* silent: never seen in the queue */
	struct author_rows *authors; /* gets the author rows, which the caller drops */
	/* Private. */
	struct txn *txn;
	struct store_cursor *names, *messages;
};
void leaving_begin(struct leaving *l, struct txn *txn);
void leaving_end(struct leaving *l);
/* Drops the rows of this ID. Records of messages that may have left within ENTRY_LEFT_TIME move to
 * STORE_LEFT. */
void entry_leave(struct leaving *l, const struct packed_id *id);

/* Drops at most n expired rows of STORE_LEFT, the oldest first. Returns how many. */
size_t entry_forget(struct txn *txn, int64_t now, size_t n);
/* Drops the n oldest rows, those of STORE_LEFT first. Adds the messages among them to *messages.
 * Returns how many rows. Author keys of a damaged record stay; readers skip them. */
size_t entry_prune(struct txn *txn, size_t n, size_t *messages);

/* The key of a message row, and the sequence in one; 0 if it is malformed. */
#define ENTRY_KEY_SIZE 8
struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE]);
uint64_t entry_number(struct span key);
/* Reads the ID from an inode row. False if the message left or the row is malformed. */
bool entry_name(struct span key, struct span value, struct packed_id *ret);
/* Splits an author row's key (author key, NUL, sequence). False if malformed. */
bool entry_author_split(struct span stored, struct span *ret_key, uint64_t *ret_sequence);
