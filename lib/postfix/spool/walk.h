/* SPDX-License-Identifier: ISC */
/*
 * The walk: every name in the queue, compared while it is read with the IDs that the index knows.
 * It goes into whatever levels of hashing are on disk. A directory that cannot be read is named and
 * counted; the rest is walked. A queue that is missing is an error.
 *
 * Names only nominate: beside a running queue one walk misses some. Whoever concludes from a name
 * that is missing looks once more, directly (spool_states).
 *
 * In a child as mail_owner. At most 0.5 us of CPU a name, and some 40 bytes a name or known ID in
 * both processes together.
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

#define WALK_KNOWN_MAX (UINT32_C(1) << 25) /* known IDs; more are ERR_LIMIT */
#define WALK_NAMES_MAX (UINT32_C(1) << 25) /* unknown names */
#define WALK_NAMED     20 /* directories that cannot be read, of which the name is told */

struct walked {
	uint64_t device, inode; /* of the queue directory (queue_directory_place) */
	uint64_t names;         /* in all queues, each once */
	uint64_t by_queue[QUEUE_COUNT];
	uint64_t known_there; /* of the known IDs, how many a name stands for */
	/* What has to be read: unknown names, known ones that were not read, and known ones whose
	 * d_ino is not their row's. Each once, maildrop's too, in flow order. */
	struct walk_name *to_read;
	size_t to_read_count;
	const uint32_t *nameless; /* positions in known that no name stands for, ascending */
	size_t nameless_count;
	uint64_t
	    unreadable_count; /* directories that cannot be read: of their names nothing is known */
	struct strbuf unreadable;   /* packed list of the first: "deferred/A: Permission denied" */
	unsigned unreadable_queues; /* bits of the queues that these lie in */
	struct blob memory;
};

struct spool_walk; /* under way: start it, do other work, finish it, which ends it in any case */
/* known comes from the daemon: in any order, and not trusted to name each once. It need not outlive
 * the start. */
int spool_walk_start(const struct postfix *p, const struct packed_id *known, size_t known_count,
    struct spool_walk **ret, struct err *err) NODISCARD;
int spool_walk_fd(const struct spool_walk *walk); /* readable when it ended; for poll() */
/* deadline: steady; INT64_MAX for none. ERR_CONFIG: a queue is missing. ERR_STOPPED as p->stop. */
int spool_walk_finish(
    struct spool_walk *walk, int64_t deadline, struct walked *ret, struct err *err) NODISCARD;
void walked_release(struct walked *w);
/* Reads what the child handed over; takes memory over in any case. ERR_CHILD. For tests, too. */
int walked_parse(struct walked *ret, const struct blob *memory, size_t known_count) NODISCARD;

#endif
