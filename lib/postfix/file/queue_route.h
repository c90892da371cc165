/* SPDX-License-Identifier: ISC */
/*
 * The way that a message took through this host, by its Received headers: who submitted it, and
 * whether it came back from a content filter, and as what it went there.
 *
 * Each pass through cleanup(8) adds a line on top, and what lies below the first line of a remote
 * client's pass, that client may have written; so lines are gone through from the top:
 *
 * - the topmost of this host is the file's own, if it has the file's queue ID. `postsuper -r` adds
 *   another ("from userid", mail_owner's), below which stands the file's former own line;
 * - below these, where the client is local (mail/join.h), the next line of this host is the first
 *   pass. Lines of a requeue are passed over, and those of local clients, as long as another
 *   follows: each requeue sends the mail through the filter again;
 * - header_checks may have removed the first pass's line. The filter's own line then still says
 *   that it got the mail from this host: whose it was is not known. If the filter writes none,
 *   nothing tells the mail from a local client's.
 *
 * A forgery beneath a removed line is taken for the first pass. It is believed only for want of the
 * first row: join.h wants that to agree in all else.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_ROUTE_H
#define PQPURGE_POSTFIX_QUEUE_ROUTE_H

#include "mail/join.h"

/* This host, as Postfix is configured and as the admin says. Borrowed. */
struct queue_host {
	const char *hostname;             /* myhostname */
	int64_t mail_owner;               /* its uid */
	const struct net_block *networks; /* clients that count as local beside loopback */
	size_t network_count;
};

#define QUEUE_ROUTE_MAX 24 /* lines of this host that are kept; hopcount_limit is 50 for all */

/* Zero-initialise. */
struct queue_route {
	struct received_pass lines[QUEUE_ROUTE_MAX]; /* this host's, from the top */
	unsigned count;
	/* Right below n of them another program says that it got the mail from this host. */
	bool fed[QUEUE_ROUTE_MAX + 1];
	bool own_first; /* the header's first field is a line of this host */
};

void queue_route_clear(struct queue_route *r);
/* A Received field; first: it is the first field of the header. */
void queue_route_take(
    struct queue_route *r, const char *value, bool first, const struct queue_host *host);

/*
 * Fills m->queued.uid and m->first in, and sets MESSAGE_UNJOINED where it came back from a filter.
 * The rest of m->queued is filled in already.
 */
void queue_route_judge(
    const struct queue_route *r, const struct queue_host *host, struct message *m);

/* Whether a program of Postfix itself made it here (bounce(8)), also if it was requeued since. */
bool queue_route_is_internal(
    const struct queue_route *r, const struct queue_host *host, const struct message *m);

#endif
