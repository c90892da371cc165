/* SPDX-License-Identifier: ISC */
/*
 * Author rows that are to be dropped: gathered, then dropped in the order of their keys. Those of
 * messages that left together are spread over the whole table; dropped one by one each would have a
 * page written, which was four fifths of what dropping a message cost. Whoever dies in between
 * leaves rows that point nowhere, which readers pass over.
 */
#ifndef PQPURGE_INDEX_AUTHOR_ROWS_H
#define PQPURGE_INDEX_AUTHOR_ROWS_H

#include "index/store.h"

#define AUTHOR_ROWS_MAX 65536 /* worth dropping then: some ten on a page, of a million */

struct author_rows {
	struct bytes keys;
	struct author_row {
		uint32_t at, len; /* of keys */
	} * list;
	size_t count, cap;
	size_t next; /* to be dropped */
};

/* Adds a whole key. 0 or -ENOMEM. */
int author_rows_add(struct author_rows *a, struct span key) NODISCARD;
/* Takes back what was added after there were count. */
void author_rows_cut(struct author_rows *a, size_t count);
void author_rows_sort(struct author_rows *a);
/* Drops at most n from a->next on. Failures are the sticky code. */
void author_rows_drop(struct author_rows *a, struct txn *txn, size_t n);
/* Empties it. */
void author_rows_clear(struct author_rows *a);
void author_rows_release(struct author_rows *a);

#endif
