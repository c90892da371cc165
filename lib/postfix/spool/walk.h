/* SPDX-License-Identifier: ISC */
/*
 * The walk reads every name in the queue, at any level of hashing on disk, and compares it with the
 * IDs that the index knows. Unreadable directories are named and counted; a missing queue is an
 * error. Directories that change meanwhile are read again, so a message in the queue is missed only
 * if it goes back in the flow twice, each time past us; confirm a missing one by spool_states.
 *
 * Runs in a child that is mail_owner. At most 0.5 us of CPU for each name read, and some 40 bytes a
 * name or known ID in both processes together.
 */
#pragma once

#include "base/str.h"
#include "postfix/spool/queue.h"

/* Flags of a known ID, as in index.h, which this room cannot include. */
#define WALK_READ  PACKED_ID_FLAG_A /* the file was read already */
#define WALK_MOVED PACKED_ID_FLAG_B /* and its inode is not the ID's */

struct walk_name {
	struct queue_id queue_id;
	uint8_t queue; /* enum queue_name */
	bool known;    /* among the known IDs */
};

#define WALK_KNOWN_MAX (UINT32_C(1) << 25) /* known IDs; more are ERR_LIMIT */
#define WALK_NAMES_MAX (UINT32_C(1) << 25) /* unknown names */
#define WALK_NAMED     20                  /* unreadable directories that are named */

struct walked {
	uint64_t device, inode; /* of the queue directory (queue_directory_place) */
	uint64_t names;         /* in all queues, each once */
	uint64_t known_there;   /* known IDs that have a name */
	/* Unknown names, known ones whose file was not read, and known ones on another inode. Each
	 * once, maildrop's too, in flow order. */
	struct walk_name *to_read;
	size_t to_read_count;
	const uint32_t *nameless; /* positions in known, ascending, of IDs without a name */
	size_t nameless_count;
	uint64_t unreadable_count; /* directories, and misplaced files */
	struct strbuf unreadable;  /* packed list of the first: "deferred/A: Permission denied" */
	struct blob memory;
};

/* reread: WALK_READ does not count. known: in any order, perhaps with duplicates, for it comes from
 * the daemon. ERR_CONFIG: a queue is missing; ERR_STOPPED; ERR_TIMEOUT after 600 s. */
int spool_walk(const struct postfix *p, const struct packed_id *known, size_t known_count,
    bool reread, struct walked *ret, struct err *err) NODISCARD;
void walked_release(struct walked *w);
/* For tests: parses the child's output; takes memory over in any case. ERR_CHILD, -ENOMEM. */
int walked_parse(struct walked *ret, const struct blob *memory, size_t known_count) NODISCARD;
