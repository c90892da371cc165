/* SPDX-License-Identifier: ISC */
/*
 * The control server: one thread that speaks the control protocol (index/wire.h) over
 * index_directory/control.sock. It never blocks on a client: what may take long runs as an errand
 * in a thread of its own, and an answer that its client does not take costs the client its
 * connection. STATUS is answered at once; SETTLE when every message that was at its end as the
 * request came has got its answer (milter/flight.h). The socket is made anew where it, or its
 * directory, went away.
 */
#ifndef PQPURGE_MILTER_CONTROL_H
#define PQPURGE_MILTER_CONTROL_H

#include "milter/errand.h"

#define CONTROL_PEERS_MAX   16
#define CONTROL_ERRANDS_MAX 16 /* at work at once, also for peers that are gone */

struct control;

struct control_config {
	const char *directory;
	/* The control thread calls this; it must not block. */
	void (*status)(void *arg, struct json *out);
	/* Answers any other request, in an errand's thread. */
	void (*work)(void *arg, struct errand *e);
	void *arg;
};

/*
 * Starts the thread. A directory that is not there yet is no failure: the socket is made when it
 * is. ERR_CONFIG: the path is too long for a socket.
 */
int control_start(
    struct control **ret, const struct control_config *config, struct err *err) NODISCARD;
/*
 * Ends the thread, removes the socket, and waits for the errands, at most timeout microseconds;
 * false where one is still at work: nothing is freed then. NULL is fine.
 */
bool control_stop(struct control *c, int64_t timeout);

#endif
