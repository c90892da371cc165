/* SPDX-License-Identifier: ISC */
/*
 * Selects the records that match a selector. If every author pattern is a domain or an address,
 * candidates come from author keys (the cost follows the matches); --id uses the inode table;
 * anything else filters all records, in a few threads. Snapshots are renewed every INDEX_SNAPSHOT.
 *
 * Output: u64 count, u64 damaged, u64 limits, u64 unjoined, then for each message u64 sequence, u32
 * matched and the record as a blob, in sequence order.
 */
#pragma once

#include "index/rows/candidate.h"
#include "index/store/store.h"
#include "mail/selector/selector.h"

/* Appends to out. ERR_TIMEOUT past the steady deadline, or the store's errors. */
int select_into(struct store *store, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err) NODISCARD;

/* Makes the same form from records that are not in the store. */
struct selection {
	struct bytes *out;
	size_t start;
	uint64_t count, damaged;
	struct selector_notes notes;
};
void selection_begin(struct selection *s, struct bytes *out);
void selection_add(struct selection *s, uint64_t sequence, unsigned matched, struct span record);
void selection_end(struct selection *s);

/* Takes memory over in any case. Every record is checked; damaged ones are counted. ERR_CHILD for a
 * malformed selection. */
int select_view(struct blob *memory, struct candidates *ret, struct err *err) NODISCARD;
