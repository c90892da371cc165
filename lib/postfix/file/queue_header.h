/* SPDX-License-Identifier: ISC */
/*
 * The header of a queue file, line by line: what the milter records of it, the way that the message
 * took, and what tells Postfix's own notices from other mail. A pure function on untrusted bytes.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_HEADER_H
#define PQPURGE_POSTFIX_QUEUE_HEADER_H

#include "mail/header.h"
#include "postfix/file/queue_route.h"

#define QUEUE_FIELD_MAX (128u << 10) /* bytes of one field; header_size_limit is 102,400 */

struct queue_header {
	struct header recorded;
	struct queue_route route;
	struct strbuf report; /* Content-Type, if it is that of a delivery report */
	bool auto_replied;    /* Auto-Submitted: auto-replied */
	bool delivered_to;    /* there is a Delivered-To: forwarded */
	bool cut;             /* a field was longer than QUEUE_FIELD_MAX */
	/* While reading. */
	const struct queue_host *host;
	struct strbuf field; /* the field that may go on */
	unsigned fields;
	bool ended;
};

/* Forgets what was read and keeps the memory; zero-initialise before the first. */
void queue_header_clear(struct queue_header *h, const struct queue_host *host);
void queue_header_release(struct queue_header *h);

/*
 * A piece of a line; starts: its first one. The first line that belongs to no header ends it
 * (`ended`), and what follows is ignored.
 */
void queue_header_line(struct queue_header *h, const char *text, size_t len, bool starts);
/* No more lines: the last field is taken. */
void queue_header_end(struct queue_header *h);

/* Whether the boundary of the report is "QUEUEID.SECONDS/host", as bounce(8) makes it. */
bool queue_header_reported_by(const struct queue_header *h, const char *host);

#endif
