/* SPDX-License-Identifier: ISC */
/* The daemon as it is now. */
#pragma once

#include "index/control/client.h"

enum live_state {
	LIVE_DOWN,
	LIVE_ANSWERS,
	LIVE_SILENT,  /* stopped or hanging */
	LIVE_DEAF,    /* its socket cannot be reached */
	LIVE_UNKNOWN, /* could not be asked */
};

struct live {
	enum live_state state;
	struct json *answer; /* if it answers, else NULL; see pqpurge-milter(8) */
	struct err err;      /* why it does not answer */
	long pid;            /* of the pqpurge-milter that holds the lock; 0: unknown */
};

/* Never fails. */
void live_read(const struct index_client *client, struct live *ret);
void live_release(struct live *live);
/* Whether open SMTP sessions may bypass the daemon. Postfix gives up on a milter for the rest of a
 * session, so: while no daemon runs, and for an hour after a restart. */
bool live_lost_sessions(const struct live *live, int64_t now);
