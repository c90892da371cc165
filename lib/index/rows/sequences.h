/* SPDX-License-Identifier: ISC */
/* Finds the sequences of all rows that a selector may match, by author keys or the inode table. */
#pragma once

#include "index/store/store.h"
#include "mail/selector/selector.h"

struct sequences {
	uint64_t *list;
	size_t count, cap;
	bool unsorted;
	bool failed; /* out of memory */
};

/* Fills *ret, ascending, each sequence once. Returns 1, 0 if no key narrows the selector, -ENOMEM,
 * or the sticky code. Release *ret in any case. */
int sequences_find(
    struct txn *txn, const struct selector *selector, struct sequences *ret) NODISCARD;
void sequences_release(struct sequences *s);
