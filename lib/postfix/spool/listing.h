/* SPDX-License-Identifier: ISC */
/*
 * The names in queues, read once for many messages: to ask a queue for each of them by lstat costs
 * more than a proof itself, and all queues but deferred are mostly empty or short. What lies
 * deeper, in hash directories, is not read.
 *
 * readdir(3) gives every name that is there from its beginning to its end. A name that comes after
 * is as late as one that comes between proof and deletion: a listing is to be as young as a proof,
 * one chunk at most.
 */
#ifndef PQPURGE_POSTFIX_LISTING_H
#define PQPURGE_POSTFIX_LISTING_H

#include "postfix/spool/queue.h"

struct listing {
	unsigned queues;       /* bits of those that were read whole; of others nothing is known */
	struct queue_id *list; /* sorted; of all of them together */
	size_t count, cap;
};

/*
 * Reads queues (bits) in flow order, each whole or not at all: not one that cannot be read, or with
 * which there would be more than max names. Zero-initialise *ret.
 */
void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max);
void listing_release(struct listing *l);
/* Whether spot was read: listing_has speaks for it then. */
bool listing_knows(const struct listing *l, const struct queue_spot *spot);
bool listing_has(const struct listing *l, const struct queue_id *id);

#endif
