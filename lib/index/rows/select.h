/* SPDX-License-Identifier: ISC */
/*
 * Selection: which records a selector means. Where every author pattern is a domain or an address,
 * candidates come from author keys (cost follows matches); from --id they come by the inode table;
 * everything else filters all records in one pass, a few threads at once. No snapshot is held for
 * longer than INDEX_SNAPSHOT.
 *
 * What comes out: u64 count, u64 damaged, u64 limits, u64 unjoined, then for each message u64
 * sequence, u32 matched and the record as a blob, in sequence order.
 */
#ifndef PQPURGE_INDEX_SELECT_H
#define PQPURGE_INDEX_SELECT_H

#include "index/rows/candidate.h"
#include "index/store.h"
#include "mail/selector.h"

/* Appends to out. deadline: steady; past it ERR_TIMEOUT. Other failures are the store's. */
int select_into(struct store *store, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err) NODISCARD;

/* The same form made by hand, of records that are not asked for in the store. */
struct selection {
	struct bytes *out;
	size_t start;
	uint64_t count, damaged;
	struct selector_notes notes;
};
void selection_begin(struct selection *s, struct bytes *out);
void selection_add(struct selection *s, uint64_t sequence, unsigned matched, struct span record);
void selection_end(struct selection *s);

/*
 * Takes memory over, whatever comes of it. Every record is checked; what is damaged is counted.
 * ERR_CHILD for anything that is not of this form.
 */
int select_view(struct blob *memory, struct candidates *ret, struct err *err) NODISCARD;

#endif
