/* SPDX-License-Identifier: ISC */
/*
 * The names in queues that mail passes early, read once for many messages. postsuper(1) takes the
 * first file of a name in flow order, so a file proven in a later queue counts only if no earlier
 * queue has the name. Asking that by lstat costs more than the proof itself; the early queues are
 * mostly empty or short.
 *
 * readdir(3) gives every name that is there from its beginning to its end. A name that comes after
 * is as late as one that comes between proof and deletion: a listing is to be as young as a proof,
 * one chunk at most.
 */
#ifndef PQPURGE_POSTFIX_EARLY_NAMES_H
#define PQPURGE_POSTFIX_EARLY_NAMES_H

#include "postfix/queue.h"

struct early_names {
	unsigned queues;       /* bits of those that were read whole; of others nothing is known */
	struct queue_id *list; /* sorted */
	size_t count, cap;
};

/*
 * Reads maildrop, incoming and active, in flow order, each whole or not at all: not one that is
 * hashed, that cannot be read, or with which there would be more than max names. queue_dir is the
 * queue directory. Zero-initialise *ret.
 */
void early_names_read(struct early_names *ret, const struct postfix *p, int queue_dir, size_t max);
void early_names_release(struct early_names *e);
bool early_names_have(const struct early_names *e, const struct queue_id *id);

#endif
