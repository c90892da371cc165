/* SPDX-License-Identifier: ISC */
/* The server of the control protocol (index/control/wire.h) on index_directory/control.sock, for
 * root and the process's own user only (SO_PEERCRED). Each client has its own thread. A client is
 * dropped if its request is not complete within 10 s, or if its answer does not fit the socket's
 * buffer. "status" is answered at once, and "settle" as soon as every message that was at its end
 * when the request came has its answer (milter/flight.h). If the socket or its directory
 * disappears, the socket is made anew. */
#pragma once

#include "base/json.h"

/* Clients at once; further ones wait. */
#define CONTROL_PEERS_MAX 32
/* Requests at once, without status and settle; further ones are refused. */
#define CONTROL_AT_WORK_MAX 16

struct control;

struct control_work {
	struct json *request;
	int body;            /* -1 none */
	struct json *answer; /* NULL: out of memory */
	int file;            /* -1 none */
};

struct control_config {
	const char *directory;
	/* Both are called by any client's thread; status must not block. */
	void (*status)(void *arg, struct json *out);
	void (*work)(void *arg, struct control_work *w); /* sets answer, and perhaps file */
	void *arg;
};

/* If the directory is missing, the socket is made when it appears. ERR_CONFIG: the path is too
 * long for a socket. */
int control_start(
    struct control **ret, const struct control_config *config, struct err *err) NODISCARD;
/* Removes the socket and waits at most timeout microseconds for running requests. False if some
 * still run; then nothing is freed. Accepts NULL. */
bool control_stop(struct control *c, int64_t timeout);
