/* SPDX-License-Identifier: ISC */
/*
 * A peer: one connection to control.sock, never blocking. It sends a frame (base/io.h), waits for
 * its answer, and may then send the next. One that neither reads nor writes on is dropped by its
 * deadline.
 */
#ifndef PQPURGE_MILTER_PEER_H
#define PQPURGE_MILTER_PEER_H

#include "base/bytes.h"

#define PEER_PATIENCE (10 * INT64_C(1000000)) /* microseconds for one frame, in or out */

struct peer {
	int fd;          /* -1: the place is free */
	uint64_t number; /* tells this peer from others that had the same place */
	enum { PEER_READING, PEER_WAITING, PEER_WRITING } state;
	bool settling;       /* WAITING, for what was in flight at `mark`; */
	struct span request; /* then this goes on to the writer */
	unsigned mark;
	struct bytes in, out;
	size_t sent;
	int64_t deadline; /* steady; not while it waits for us */
};

/* Whether the other end is root or this process's own user (SO_PEERCRED). */
bool peer_allowed(int fd);
void peer_open(struct peer *p, int fd, uint64_t number);
void peer_close(struct peer *p);
/* What to poll for. */
short peer_events(const struct peer *p);
/* Reads on: 1 and the request (valid until the answer), 0 not all there yet, negative: drop it. */
int peer_read(struct peer *p, struct span *ret_request) NODISCARD;
/* Takes the answer to send. */
void peer_answer(struct peer *p, struct span reply);
/* Writes on: 0, or negative: drop it. After the last byte it reads again. */
int peer_write(struct peer *p) NODISCARD;

#endif
