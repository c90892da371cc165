/* SPDX-License-Identifier: ISC */
/*
 * Rows of one message: its record, its author keys, its inode row. Written inside the writer's
 * transaction, and by readers into what they lay over the store (journal.h).
 *
 * Inode rows bound the index by themselves: two live queue files never share an inode, so a new
 * message on inode X proves the old row of X dead, and adding drops it.
 */
#ifndef PQPURGE_INDEX_ENTRY_H
#define PQPURGE_INDEX_ENTRY_H

#include "index/rows/record.h"
#include "index/store.h"

/*
 * Adds a record (from record_encode) under the next sequence and drops what its inode row named
 * before. Failures are the transaction's sticky code. ret_sequence may be NULL.
 */
void entry_add(struct txn *txn, struct span record, uint64_t *ret_sequence);

/*
 * The same for a record that a scan made from a queue file, unless the index knows better: the row
 * of its inode is this very message, or one that ended no earlier than this one came. 1 added, 0
 * not, or the sticky code.
 */
int entry_add_found(struct txn *txn, struct span record);

/* The key of a message row, and the number in one or in an inode row's value; 0 if it is none. */
#define ENTRY_KEY_SIZE 8
struct span entry_key(uint64_t number, unsigned char buf[ENTRY_KEY_SIZE]);
uint64_t entry_number(struct span stored);

/* The sequence that a queue ID's inode names, and its record: 1, 0 (none), or the sticky code. */
int entry_find(struct txn *txn, const struct queue_id *queue_id, uint64_t *ret_sequence,
    struct span *ret_record);

/* The parts of an author row's key: key bytes, NUL, sequence. False for a key that is none. */
bool entry_author_split(struct span stored, struct span *ret_key, uint64_t *ret_sequence);

/* Drops the rows of sequence if they are still those of queue_id: 1, 0 (not there, or another's),
 * or the sticky code. */
int entry_drop(struct txn *txn, uint64_t sequence, const struct queue_id *queue_id);

/*
 * Drops the n oldest messages; returns how many. ret_mail_time gets the latest mail_time dropped
 * (coverage moves there). A record too damaged to name its keys is removed from the message table
 * alone; readers skip author rows that point nowhere.
 */
size_t entry_prune(struct txn *txn, size_t n, int64_t *ret_mail_time);

#endif
