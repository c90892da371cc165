/* SPDX-License-Identifier: ISC */
/*
 * A peer: one connection to control.sock, never blocking. It sends a line (index/wire.h), waits for
 * its answer, and may then send the next. One that says nothing for PEER_PATIENCE is dropped; so is
 * one that does not take its answer, which its socket's buffer has room for.
 */
#ifndef PQPURGE_MILTER_PEER_H
#define PQPURGE_MILTER_PEER_H

#include "index/wire.h"

#define PEER_PATIENCE (10 * INT64_C(1000000)) /* microseconds between a request's bytes */

struct peer {
	int fd;          /* -1: the place is free */
	uint64_t number; /* tells this peer from others that had the same place */
	enum {
		PEER_READING,
		PEER_WAITING,  /* for an errand's answer */
		PEER_SETTLING, /* for the end of what was in flight at `mark` */
	} state;
	unsigned mark;
	struct wire wire;
	int64_t deadline; /* steady; while READING */
};

/* Whether the other end is root or this process's own user (SO_PEERCRED). */
bool peer_allowed(int fd);
void peer_open(struct peer *p, int fd, uint64_t number);
void peer_close(struct peer *p); /* a free place stays free */
/*
 * Takes what has come. 1: a whole request, with the descriptor that came with it (-1 none), both
 * the caller's now; 0: not yet, or no more; ERR_SYNTAX with words for a line that is no JSON
 * object; another negative code: close it.
 */
int peer_read(struct peer *p, struct json **ret, int *ret_fd, struct err *err) NODISCARD;
/* Sends one line, and fd where it is not -1; frees line. 0, or a negative code: close it. */
int peer_send(struct peer *p, struct json *line, int fd) NODISCARD;

#endif
