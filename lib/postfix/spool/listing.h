/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix. */
#pragma once

#include "postfix/spool/names.h"
#include "postfix/spool/queue.h"

/* Names in whole queues, read once for many messages. An lstat(2) for each message and queue costs
 * more than the proof itself, and all queues but deferred are usually short. Hash directories are
 * not read. Use a listing for one chunk only: a proof must not rest on an older look. */
struct listing {
	unsigned queues;    /* read completely, as bits */
	struct names names; /* in these queues, perhaps with some from others */
};

/* queues: bits. Skips unreadable ones and those with more than max names. */
void listing_read(struct listing *ret, int queue_dir, unsigned queues, size_t max);
void listing_release(struct listing *l);
bool listing_knows(
    const struct listing *l, const struct queue_spot *spot); /* its queue was read completely */
bool listing_has(const struct listing *l, const struct queue_id *id);
