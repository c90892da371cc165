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
};

/* Asks the daemon. Never fails. */
void live_read(const struct index_client *client, struct live *ret);
void live_release(struct live *live);

#endif
