/* SPDX-License-Identifier: ISC */
/*
 * The names in queues, read once for many messages: to ask a queue for each of them by lstat costs
 * more than a proof itself, and all queues but deferred are mostly empty or short. What lies in
 * hash directories is not read. A listing is to be as young as a proof, one chunk at most: a name
 * that comes later is as late as one that comes between proof and deletion.
 */
#ifndef PQPURGE_POSTFIX_LISTING_H
#define PQPURGE_POSTFIX_LISTING_H

#include "postfix/spool/names.h"

struct listing {
	unsigned queues;    /* bits of those that were read whole */
	struct names names; /* of all of them, perhaps with some of others */
};

/*
 * Reads queues (bits), but none that cannot be read or has more than max names. Zero-initialise
 * *ret.
 */
void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max);
void listing_release(struct listing *l);
/* Whether spot was read: listing_has speaks for it then. */
bool listing_knows(const struct listing *l, const struct queue_spot *spot);
bool listing_has(const struct listing *l, const struct queue_id *id);

#endif
