/* SPDX-License-Identifier: ISC */
/* Runs a verb for a client in a child and passes its output on as it comes. */
#pragma once

#include "door/door.h"
#include "purge/door/behalf.h"

#define RELAY_PATIENCE (20 * INT64_C(1000000)) /* microseconds */

/* Decides what the client gets. */
struct relay_sink {
	/* Bytes of stdout (DOOR_SAYS) or stderr. A negative code: the client is gone. */
	int (*take)(void *arg, enum door_answer_kind kind, struct span bytes);
	/* Called several times a second with the progress in messages. May be NULL. */
	int (*tick)(void *arg, uint64_t done, uint64_t of);
	void *arg;
};
/* ret->status is the verb's exit status. If the client closes its sending side, or takes no output
 * for RELAY_PATIENCE, the child gets SIGTERM and ends as after ^C. */
int relay_verb(const struct relay_sink *sink, int fd, const struct door_verb *verb,
    const struct behalf *behalf, struct door_end *ret, struct err *err) NODISCARD;
