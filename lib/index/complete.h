/* SPDX-License-Identifier: ISC */
/* Decides what one record of a catch-up changes: which row it completes, which rows it disproves,
 * and which row is its first pass through a content filter. The caller writes. */
#pragma once

#include "base/net.h"
#include "index/rows/entry.h"

struct complete {
	struct net_blocks own;
	int64_t began; /* rows whose message ended later stay */

	struct packed_id id;
	uint64_t proven; /* sequence of the row to replace; 0: add a row */
	struct {
		uint64_t sequence;
		bool read;
	} dead[ENTRY_INODE_ROWS];
	size_t dead_count;
	struct bytes record;
};

/* own_networks may be NULL. Returns 0, -ENOMEM, or ERR_SYNTAX if it is malformed. */
int complete_init(struct complete *c, const struct strlist *own_networks, int64_t began) NODISCARD;
void complete_release(struct complete *c);

/* Fills the members above from an ORIGIN_QUEUE record. Returns 0, ERR_SYNTAX for a bad record, or
 * the sticky code. */
int complete_prepare(struct complete *c, struct txn *txn, struct span record) NODISCARD;
