/* SPDX-License-Identifier: ISC */
/* Follows a message through this host by its Received fields: who submitted it, whether it came
 * back from a content filter, and which message went to the filter.
 *
 * Each pass through cleanup(8) adds a line on top. A remote client may have forged all lines below
 * the one that its own pass added, so we read from the top:
 *
 * - The topmost line of this host is the file's own if it has the file's queue ID. `postsuper -r`
 *   adds one more ("from userid", mail_owner's) above the former own line.
 * - If the client is local (mail/join.h), the next line of this host is the first pass. We skip
 *   lines of requeues, and lines of local clients if another line follows, because each requeue
 *   sends the mail through the filter again.
 * - header_checks may have removed the first pass's line. If the filter's line says that this host
 *   gave it the mail, the submitter is unknown. If the filter writes no line, the mail looks as if
 *   a local client had sent it.
 *
 * A forged line below a removed one is mistaken for the first pass, but only if the index has no
 * row of the first pass: with a row, join.h wants all other facts to agree, too. */
#pragma once

#include "mail/join.h"

/* Borrowed. */
struct queue_host {
	const char *hostname;             /* myhostname */
	struct strlist service_names;     /* names that services have instead (master.cf) */
	int64_t mail_owner;               /* its uid */
	const struct net_block *networks; /* of local clients, beside loopback */
	size_t network_count;
};

#define QUEUE_ROUTE_MAX 24 /* this host's lines that are kept; hopcount_limit is 50 for all */

struct queue_route {
	struct received_pass lines[QUEUE_ROUTE_MAX]; /* this host's, from the top */
	unsigned count;
	bool fed[QUEUE_ROUTE_MAX + 1]; /* [n]: a program below n lines got the mail from here */
	bool own_first;                /* the header's first field is a line of this host */
};

void queue_route_clear(struct queue_route *r);
/* first: it is the header's first field. */
void queue_route_take(
    struct queue_route *r, const char *value, bool first, const struct queue_host *host);

/* Fills in m->queued.uid and m->first, and sets MESSAGE_UNJOINED if the message came back from a
 * filter. The caller has filled in the rest of m->queued. */
void queue_route_judge(
    const struct queue_route *r, const struct queue_host *host, struct message *m);

/* Whether this host's bounce(8) made the message, which may have been requeued. */
bool queue_route_is_internal(
    const struct queue_route *r, const struct queue_host *host, const struct message *m);
