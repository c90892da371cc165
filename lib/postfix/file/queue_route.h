/* SPDX-License-Identifier: ISC */
/*
 * The way of a message through this host, by its Received headers: who submitted it, whether it
 * came back from a content filter, and as which message it went there.
 *
 * Each pass through cleanup(8) adds a line on top. A remote client may have forged all lines below
 * that of its pass, so we read from the top:
 *
 * - The topmost line of this host is the file's own if it has the file's queue ID. `postsuper -r`
 *   adds one ("from userid", mail_owner's) above the former own line.
 * - If the client is local (mail/join.h), the next line of this host is the first pass. Lines of
 *   requeues are skipped, and those of local clients if another follows: each requeue sends the
 *   mail through the filter again.
 * - header_checks may have removed the first pass's line. If the filter's line says that it got the
 *   mail from this host, the submitter is unknown. If the filter writes no line, the mail looks
 *   like a local client's.
 *
 * A forged line below a removed one is taken for the first pass, but only without the first pass's
 * row: join.h wants that to agree in all else.
 */
#pragma once

#include "mail/join.h"

/* This host. Borrowed. */
struct queue_host {
	const char *hostname;             /* myhostname */
	int64_t mail_owner;               /* its uid */
	const struct net_block *networks; /* of local clients, beside loopback */
	size_t network_count;
};

#define QUEUE_ROUTE_MAX 24 /* lines of this host kept; hopcount_limit is 50 for all */

/* Zero-initialise. */
struct queue_route {
	struct received_pass lines[QUEUE_ROUTE_MAX]; /* this host's, from the top */
	unsigned count;
	bool fed[QUEUE_ROUTE_MAX + 1]; /* [n]: below n of them a program got the mail from here */
	bool own_first;                /* the header's first field is a line of this host */
};

void queue_route_clear(struct queue_route *r);
/* A Received field; first: of all fields. */
void queue_route_take(
    struct queue_route *r, const char *value, bool first, const struct queue_host *host);

/* Fills in m->queued.uid and m->first, and sets MESSAGE_UNJOINED if it came back from a filter. The
 * caller has filled in the rest of m->queued. */
void queue_route_judge(
    const struct queue_route *r, const struct queue_host *host, struct message *m);

/* Whether a program of Postfix made it on this host (bounce(8)); it may have been requeued. */
bool queue_route_is_internal(
    const struct queue_route *r, const struct queue_host *host, const struct message *m);
