/* SPDX-License-Identifier: ISC */
/* A verb for somebody else: run in a child, its output sent to the client as it comes. */
#ifndef PQPURGE_PURGE_RELAY_H
#define PQPURGE_PURGE_RELAY_H

#include "door/door.h"
#include "purge/door/behalf.h"

/*
 * Runs the verb. A client that closes its sending side asks to stop; one that takes no output for
 * 20 s is gone: both are a SIGTERM to the child, which ends as after ^C. ret->status is the verb's.
 */
int relay_verb(int fd, const struct door_verb *verb, const struct behalf *behalf,
    struct door_end *ret, struct err *err) NODISCARD;

#endif
