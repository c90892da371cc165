/* SPDX-License-Identifier: ISC */
/* Sequences of the rows that a selector can match at all, by author keys or inode table. */
#pragma once

#include "index/store/store.h"
#include "mail/selector/selector.h"

struct sequences {
	uint64_t *list;
	size_t count, cap;
	bool unsorted;
	bool failed; /* out of memory */
};

/* Fills *ret, ascending, each once: 1; 0 if no key narrows the selector; -ENOMEM or the sticky
 * code. Release it in any case. */
int sequences_find(
    struct txn *txn, const struct selector *selector, struct sequences *ret) NODISCARD;
void sequences_release(struct sequences *s);
