/* SPDX-License-Identifier: ISC */
/*
 * The walk: every name in the queue, compared while it is read with the IDs that the index knows.
 *
 * It takes the layout that is on disk, not main.cf's: below each queue, directories named by one
 * hexadecimal digit or '_' (util/dir_forest.c) are gone into, as deep as they are, at most
 * HASH_DEPTH_MAX. A directory that cannot be read is named and counted; the rest is walked. A queue
 * that is missing is an error: an unmounted spool is no empty queue.
 *
 * Names only nominate: beside a running queue one walk misses some. Whoever concludes from a name
 * that is missing looks once more, directly (spool_states).
 *
 * In a child as mail_owner. At most 0.5 us of CPU a name and 24 bytes a name or known ID.
 */
#ifndef PQPURGE_POSTFIX_SPOOL_WALK_H
#define PQPURGE_POSTFIX_SPOOL_WALK_H

#include "base/str.h"
#include "postfix/spool/queue.h"

/* A known ID: index.h's flags, given here without that room. */
#define WALK_READ  PACKED_ID_FLAG_A /* the file was read already */
#define WALK_MOVED PACKED_ID_FLAG_B /* and its inode is not the one that the ID names */

struct walk_name {
	struct queue_id queue_id;
	uint8_t queue; /* enum queue_name */
	bool known;    /* among the known IDs */
};

struct walked {
	uint64_t device, inode; /* of the queue directory */
	uint64_t names;         /* in all queues, each once */
	uint64_t by_queue[QUEUE_COUNT];
	uint64_t known_there; /* of the known IDs, how many a name stands for */
	/* What has to be read: unknown names, known ones that were not read, and known ones whose
	 * d_ino is not their row's. Each once, in no certain order. */
	struct walk_name *to_read;
	size_t to_read_count;
	uint32_t *nameless; /* positions in known that no name stands for, ascending */
	size_t nameless_count;
	struct strbuf unreadable;   /* packed list: "deferred/A: Permission denied" */
	unsigned unreadable_queues; /* bits of the queues that these lie in */
	struct blob memory;
};

struct spool_walk; /* under way: start it, do other work, finish it, which ends it in any case */
int spool_walk_start(const struct postfix *p, const struct packed_id *known, size_t known_count,
    struct spool_walk **ret, struct err *err) NODISCARD;
int spool_walk_fd(const struct spool_walk *walk); /* readable when it ended; for poll() */
/* deadline: steady; INT64_MAX for none. ERR_CONFIG: a queue is missing. */
int spool_walk_finish(
    struct spool_walk *walk, int64_t deadline, struct walked *ret, struct err *err) NODISCARD;
void walked_release(struct walked *w);

#endif
