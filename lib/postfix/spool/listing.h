/* SPDX-License-Identifier: ISC */
/* Names of queue files, listed. Private to lib/postfix. */
#pragma once

#include "postfix/spool/names.h"
#include "postfix/spool/queue.h"

/*
 * The names in queues, read once for many messages: an lstat for each message and queue costs more
 * than its proof, and all queues but deferred are mostly short. Hash directories are not read. Use
 * a listing for one chunk only: it must be as young as a proof.
 */
struct listing {
	unsigned queues;    /* bits of those that were read whole */
	struct names names; /* of all of these, perhaps with some of others */
};

/* Reads queues (bits), except unreadable ones and those of more than max names. Zero-initialise
 * *ret. */
void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max);
void listing_release(struct listing *l);
bool listing_knows(const struct listing *l, const struct queue_spot *spot); /* it was read */
bool listing_has(const struct listing *l, const struct queue_id *id);
