/* SPDX-License-Identifier: ISC */
/*
 * What becomes of one record that a catch-up read: which row it completes, which it disproves, what
 * its first pass was. Reads only; the caller writes.
 */
#ifndef PQPURGE_INDEX_COMPLETE_H
#define PQPURGE_INDEX_COMPLETE_H

#include "base/net.h"
#include "index/rows/entry.h"

struct complete {
	struct net_block *own;
	size_t own_count;
	int64_t began; /* rows that ended since are another's */

	/* Of the last record: */
	struct packed_id id;
	uint64_t proven; /* the row to be replaced; 0: a row of its own */
	struct {
		uint64_t sequence;
		bool read;
	} dead[ENTRY_INODE_ROWS]; /* to be dropped */
	size_t dead_count;
	struct bytes record; /* as it is to be stored */
};

/* own_networks: packed list of blocks; may be NULL. ERR_SYNTAX or -ENOMEM. */
int complete_init(struct complete *c, const struct strlist *own_networks, int64_t began) NODISCARD;
void complete_release(struct complete *c);

/* Looks at a record (ORIGIN_QUEUE): 0, or the sticky code, ERR_SYNTAX for what is none. */
int complete_prepare(struct complete *c, struct txn *txn, struct span record) NODISCARD;

#endif
