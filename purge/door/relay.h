/* SPDX-License-Identifier: ISC */
/* A verb for somebody else: run in a child, its output sent to the client as it comes. */
#pragma once

#include "door/door.h"
#include "purge/door/behalf.h"

/*
 * Runs the verb. A client that closes its sending side asks to stop; one that takes no output for
 * 20 s is gone: both are a SIGTERM to the child, which ends as after ^C. ret->status is the verb's.
 */
int relay_verb(int fd, const struct door_verb *verb, const struct behalf *behalf,
    struct door_end *ret, struct err *err) NODISCARD;

/* The same for somebody who reads the output before the client does: nothing is sent but by it. */
struct relay_sink {
	/* Bytes of the verb's stdout (DOOR_SAYS) or stderr. A negative code: the client is gone. */
	int (*take)(void *arg, enum door_answer_kind kind, struct span bytes);
	/* Some times a second, with what the verb has told of its progress. */
	int (*tick)(void *arg, uint64_t done, uint64_t of);
	void *arg;
};
int relay_through(const struct relay_sink *sink, int fd, const struct door_verb *verb,
    const struct behalf *behalf, struct door_end *ret, struct err *err) NODISCARD;
#define RELAY_PATIENCE (20 * INT64_C(1000000)) /* for a client that takes nothing */
