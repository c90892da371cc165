/* SPDX-License-Identifier: ISC */
/* The walk reads every name in the queue, at every level of hashing on disk, and compares it with
 * the IDs that the index knows. Unreadable directories are counted and listed; a missing queue is
 * an error.
 *
 * Directories that change meanwhile are read again. So the walk misses a message in the queue only
 * if it moves back in the flow twice, each time past us. Confirm a missing one with spool_states.
 *
 * Runs in a child as mail_owner. Needs at most 0.5 us of CPU for each name, and some 40 bytes for
 * each name or known ID, in both processes together. */
#pragma once

#include "base/str.h"
#include "postfix/spool/queue.h"

/* Flags of a known ID; the values of index.h, which this room cannot include. */
#define WALK_READ  PACKED_ID_FLAG_A /* the file was read already */
#define WALK_MOVED PACKED_ID_FLAG_B /* and its inode is not the one in the ID */

struct walk_name {
	struct queue_id queue_id;
	bool known; /* one of the known IDs */
};

#define WALK_KNOWN_MAX (UINT32_C(1) << 25) /* more are ERR_LIMIT */
#define WALK_NAMES_MAX (UINT32_C(1) << 25) /* unknown ones; more are ERR_LIMIT */
#define WALK_NAMED     20                  /* unreadable directories that are listed */

struct walked {
	uint64_t device, inode; /* queue_directory_place */
	uint64_t names;         /* in all queues, each name once */
	uint64_t known_there;   /* known IDs that were found */
	/* Unknown names, known ones whose file was not read, and known ones on another inode. Each
	 * once, in flow order, including those in maildrop. */
	struct walk_name *to_read;
	size_t to_read_count;
	const uint32_t *nameless; /* positions in known, ascending, of IDs that were not found */
	size_t nameless_count;
	uint64_t unreadable_count; /* directories, and misplaced files */
	struct strbuf unreadable;  /* the first WALK_NAMED: "deferred/A: Permission denied" */
	struct blob memory;
};

/* reread: ignore WALK_READ. known: in any order; may have duplicates, because the daemon supplied
 * it. ERR_CONFIG if a queue is missing, ERR_STOPPED, or ERR_TIMEOUT after 600 s. */
int spool_walk(const struct postfix *p, const struct packed_id *known, size_t known_count,
    bool reread, struct walked *ret, struct err *err) NODISCARD;
void walked_release(struct walked *w);
/* The child's output; for tests. Takes over memory in any case. ERR_CHILD if it is invalid. */
int walked_parse(struct walked *ret, const struct blob *memory, size_t known_count) NODISCARD;
