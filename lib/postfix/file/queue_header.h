/* SPDX-License-Identifier: ISC */
/*
 * The header of a queue file, line by line: what the milter records of it, and what tells Postfix's
 * own notices from other mail. A pure function on untrusted bytes.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_HEADER_H
#define PQPURGE_POSTFIX_QUEUE_HEADER_H

#include "base/str.h"

#define QUEUE_FIELD_MAX (128u << 10) /* bytes of one field; header_size_limit is 102,400 */

struct queue_header {
	struct strbuf from;       /* packed mailboxes, normal form */
	struct strbuf message_id; /* the first; with its <> */
	struct strbuf received;   /* the whole header's first field, if it is Received */
	struct strbuf report;     /* Content-Type, if it is that of a delivery report */
	bool auto_replied;        /* Auto-Submitted: auto-replied */
	bool delivered_to;        /* there is a Delivered-To: forwarded */
	bool cut;                 /* a cap cut something */
	/* While reading. */
	struct strbuf field; /* the field that may go on */
	unsigned fields, mailboxes;
	bool ended;
};

/* Forgets what was read and keeps the memory; zero-initialise before the first. */
void queue_header_clear(struct queue_header *h);
void queue_header_release(struct queue_header *h);

/*
 * A piece of a line; starts: its first one. The first line that belongs to no header ends it
 * (`ended`), and what follows is ignored.
 */
void queue_header_line(struct queue_header *h, const char *text, size_t len, bool starts);
/* No more lines: the last field is taken. */
void queue_header_end(struct queue_header *h);

/* Who submitted it by sendmail(1): the user ID in Postfix's own Received field (pickup(8)); -1. */
int64_t queue_header_user(const struct queue_header *h);
/* Whether Postfix's own Received field says "by host (", no user. */
bool queue_header_received_by(const struct queue_header *h, const char *host);
/* Whether the boundary of the report is "QUEUEID.SECONDS/host", as bounce(8) makes it. */
bool queue_header_reported_by(const struct queue_header *h, const char *host);

#endif
