/* SPDX-License-Identifier: ISC */
/*
 * Changes to the tables of a store, in memory: for each changed key the value that it has now, or
 * that it is gone. Keys are in the store's order (byte by byte, the shorter first), each there
 * once.
 *
 * Keys and values are copied in and stay where they are until the release, also those that a later
 * change replaced. A sorted array for each table: made for some ten thousand rows. One thread at a
 * time. Zero-initialise.
 */
#ifndef PQPURGE_INDEX_STORE_DELTA_H
#define PQPURGE_INDEX_STORE_DELTA_H

#include "index/store.h"

struct delta_row {
	struct span key, value;
	bool deleted;
};
struct delta_table {
	struct delta_row **rows;
	size_t count, cap;
	size_t live_end; /* rows from here on are deleted ones */
};
struct delta {
	struct delta_table tables[STORE_TABLE_COUNT];
	struct delta_chunk *chunks;
};

/* Below, equal or above 0, in the store's order. */
static inline int delta_compare(struct span a, struct span b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.at, b.at, common) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where the first row >= key is; count: there is none. */
size_t delta_seek(const struct delta_table *table, struct span key);
/* The row of this key, or NULL. */
const struct delta_row *delta_find(const struct delta_table *table, struct span key);
/* The last row that is not a deleted one, or NULL. */
const struct delta_row *delta_last(struct delta_table *table);

/* key has this value from now on; NULL: it is gone. 0, or -ENOMEM and nothing changed. */
int delta_set(struct delta *delta, enum store_table table, struct span key,
    const struct span *value) NODISCARD;

/* Empty again. */
void delta_release(struct delta *delta);

#endif
