/* SPDX-License-Identifier: ISC */
/* Collects author rows to drop, and drops them in key order. The author rows of messages that left
 * together are spread over the whole table: dropping them one by one wrote a page for each, four
 * fifths of the cost of dropping a message. If the process dies in between, some author rows point
 * to no message; readers skip them. */
#pragma once

#include "index/store/store.h"

#define AUTHOR_ROWS_MAX 65536 /* a page of a million rows then loses about ten at once */

struct author_rows {
	struct bytes keys;
	struct author_row {
		uint32_t at, len; /* in keys */
	} * list;
	size_t count, cap;
	size_t next;
};

int author_rows_add(struct author_rows *a, struct span key) NODISCARD;
/* Forgets all rows after the first count. */
void author_rows_cut(struct author_rows *a, size_t count);
void author_rows_sort(struct author_rows *a);
/* Drops at most n rows from a->next on. Failures are sticky in txn. */
void author_rows_drop(struct author_rows *a, struct txn *txn, size_t n);
void author_rows_clear(struct author_rows *a);
void author_rows_release(struct author_rows *a);
