/* SPDX-License-Identifier: ISC */
/* The account: one batch for each purge, hold or release: who, when, why, and which messages. */
#ifndef PQPURGE_INDEX_BATCH_H
#define PQPURGE_INDEX_BATCH_H

#include "index/store.h"
#include "mail/queue_id.h"

#define BATCH_PART_ITEMS 1000 /* items in one stored part */

struct batch {
	uint64_t number; /* given when stored; never reused */
	int64_t time;    /* wall microseconds */
	uint32_t uid;
	const char *verb;    /* "purge" */
	const char *user;    /* login name; SUDO_USER where there is one */
	const char *command; /* the command line, scrubbed, at most 4096 bytes */
	const char *reason;  /* --reason; "" */
	uint64_t matched, done, gone, changed, failed, unindexed;
	uint32_t item_count;
	uint32_t rules_set; /* rules set by the same command */
};
struct batch_item {
	struct queue_id queue_id;
	uint8_t result;       /* enum result (order/order.h), not interpreted here */
	int64_t arrival_time; /* T record: the identity for undo; 0 unknown */
	uint64_t inode;
};

/* The command line is cut to BATCH_COMMAND_MAX bytes. */
#define BATCH_COMMAND_MAX 4096
void batch_encode(const struct batch *b, struct bytes *out);
int batch_decode(struct span stored, struct batch *ret) NODISCARD; /* views; ERR_DAMAGED */
void batch_item_encode(const struct batch_item *item, struct bytes *out);
int batch_item_decode(struct reader *from, struct batch_item *ret) NODISCARD;

/* Stores under the next number, which it returns (0 where the sticky code is set). The oldest
 * batches past BATCH_KEEP go. */
#define BATCH_KEEP 10000
uint64_t batch_store(struct txn *txn, const struct batch *b);
/* Drops the oldest batch: 1, 0 (there is none but the last, which stays), or the sticky code. */
int batch_drop_oldest(struct txn *txn);
/* Appends part n (from 0) of encoded items to a batch: 1, 0 (no such batch), or the sticky code. */
int batch_store_part(struct txn *txn, uint64_t number, uint32_t part, struct span items);

/* Reading. Views are valid until the end of the transaction. 1, 0 (none), or a negative code. */
int batch_get(struct txn *txn, uint64_t number, struct batch *ret);
int batch_get_part(struct txn *txn, uint64_t number, uint32_t part, struct span *ret_items);
/* The first batch with a number >= number; go on with its number + 1. Passes over damaged ones. */
int batch_next(struct txn *txn, uint64_t number, struct batch *ret);

#endif
