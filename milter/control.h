/* SPDX-License-Identifier: ISC */
/*
 * The control server: speaks the control protocol (index/wire.h) over index_directory/control.sock,
 * with root and the process's own user (SO_PEERCRED) alone. Each client has a thread of its own, so
 * that none waits for another; one that says no whole request for 10 s is dropped, and so is one
 * that does not take its answer, which its socket's buffer has room for. STATUS is answered at
 * once; SETTLE when every message that was at its end as the request came has got its answer
 * (milter/flight.h). The socket is made anew where it, or its directory, went away.
 */
#ifndef PQPURGE_MILTER_CONTROL_H
#define PQPURGE_MILTER_CONTROL_H

#include "base/json.h"

/* Clients at once; further ones wait. One that went away has its place until its work is done. */
#define CONTROL_PEERS_MAX 32
/* Other requests than STATUS and SETTLE at once; further ones are refused. */
#define CONTROL_AT_WORK_MAX 16

struct control;

struct control_work {
	struct json *request;
	int body;            /* came with it; -1 none */
	struct json *answer; /* NULL: memory is out */
	int file;            /* goes with the answer; -1 none */
};

struct control_config {
	const char *directory;
	/* Both are called by any client's thread. What status says must not have to wait. */
	void (*status)(void *arg, struct json *out);
	void (*work)(
	    void *arg, struct control_work *w); /* sets answer, and file where there is one */
	void *arg;
};

/*
 * Starts the server. A directory that is not there yet is no failure: the socket is made when it
 * is. ERR_CONFIG: the path is too long for a socket.
 */
int control_start(
    struct control **ret, const struct control_config *config, struct err *err) NODISCARD;
/*
 * Lets nobody in any more, removes the socket, and waits for what is at work, at most timeout
 * microseconds; false where something still is: nothing is freed then. NULL is fine.
 */
bool control_stop(struct control *c, int64_t timeout);

#endif
