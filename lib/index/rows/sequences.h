/* SPDX-License-Identifier: ISC */
/*
 * Numbers of message rows: which of them a selector can only mean, as the author keys or the inode
 * table say it. The rows themselves are not looked at.
 */
#ifndef PQPURGE_INDEX_SEQUENCES_H
#define PQPURGE_INDEX_SEQUENCES_H

#include "index/store.h"
#include "mail/selector.h"

struct sequences {
	uint64_t *list;
	size_t count, cap;
	bool unsorted;
	bool failed; /* out of memory */
};

/*
 * Into *ret, which is zeroed first: ascending, each once. 1; 0 where no key narrows the selector
 * and every row must be looked at; -ENOMEM or the sticky code. Release it whatever comes back.
 */
int sequences_find(
    struct txn *txn, const struct selector *selector, struct sequences *ret) NODISCARD;
void sequences_release(struct sequences *s);

#endif
