/* SPDX-License-Identifier: ISC */
/*
 * What the last sync counted: how much of the queue the index did not know, and when that was. Kept
 * in META; forgotten when rows are pruned, for what they named is unknown from then on.
 */
#ifndef PQPURGE_INDEX_SYNCED_H
#define PQPURGE_INDEX_SYNCED_H

#include "index/gaps.h"

struct synced {
	int64_t time; /* the count's beginning, wall microseconds; 0 = there was none */
	uint64_t unindexed, maildrop, arriving;
};

void synced_encode(const struct synced *synced, struct bytes *out); /* appended */
int synced_decode(struct span stored, struct synced *ret) NODISCARD;

void synced_put(struct txn *txn, const struct synced *synced);
/* Leaves ret zero where there is none, or none that can be read. 0 or the sticky code. */
int synced_get(struct txn *txn, struct synced *ret);
void synced_forget(struct txn *txn);

/* Whether it still tells of the queue: there was one, and no gap touches the time since. Pure. */
bool synced_holds(const struct synced *synced, const struct gaps *gaps);

#endif
