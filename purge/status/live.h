/* SPDX-License-Identifier: ISC */
/* The daemon as it is now: whether it runs, and what it answers over its control socket. */
#ifndef PQPURGE_PURGE_LIVE_H
#define PQPURGE_PURGE_LIVE_H

#include "index/client.h"

enum live_state {
	LIVE_DOWN,    /* none runs */
	LIVE_ANSWERS, /* `answer` has what it says */
	LIVE_SILENT,  /* it has the socket and does not answer: stopped, or it hangs */
	LIVE_DEAF,    /* one runs, but its control socket cannot be reached */
	LIVE_UNKNOWN, /* it could not be asked */
};

/* Zero-initialise. */
struct live {
	enum live_state state;
	struct json *answer; /* see pqpurge-milter(8); NULL but for ANSWERS */
	struct err err;      /* SILENT, DEAF, UNKNOWN: why */
	int64_t known_since; /* wall: when a daemon first took the lock; 0 unknown */
	long pid;            /* of the process that holds the lock, a pqpurge-milter; 0 unknown */
};

/* Asks the daemon. Never fails. */
void live_read(const struct index_client *client, struct live *ret);
void live_release(struct live *live);
/*
 * Whether SMTP sessions may be open that the daemon does not see: Postfix gives up on a milter for
 * the rest of a session. True while none runs, and for an hour after one was started again.
 */
bool live_lost_sessions(const struct live *live, int64_t now);

#endif
