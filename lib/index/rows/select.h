/* SPDX-License-Identifier: ISC */
/* Selects the records that match a selector. If all author patterns are domains or addresses,
 * candidates come from author keys, so the cost follows the number of matches. --id uses the inode
 * table. Anything else filters all records, in a few threads. Snapshots are renewed every
 * INDEX_SNAPSHOT.
 *
 * Output: u64 count, u64 damaged, u64 limits, u64 unjoined; then for each message, in sequence
 * order, u64 sequence, u32 matched and the record as a blob. */
#pragma once

#include "index/rows/candidate.h"
#include "index/store/store.h"
#include "mail/selector/selector.h"

/* Appends the selection to out. ERR_TIMEOUT past the steady deadline, or an error of the store. */
int select_into(struct store *store, const struct selector *selector, int64_t deadline,
    struct bytes *out, struct err *err) NODISCARD;

/* Makes the same output from records that are not in the store. */
struct selection {
	struct bytes *out;
	size_t start;
	uint64_t count, damaged;
	struct selector_notes notes;
};
void selection_begin(struct selection *s, struct bytes *out);
void selection_add(struct selection *s, uint64_t sequence, unsigned matched, struct span record);
void selection_end(struct selection *s);

/* Reads a selection. Takes over memory in any case. Checks every record and counts damaged ones.
 * Returns 0, -ENOMEM, or ERR_CHILD if the selection is malformed. */
int select_view(struct blob *memory, struct candidates *ret, struct err *err) NODISCARD;
