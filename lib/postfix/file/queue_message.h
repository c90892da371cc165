/* SPDX-License-Identifier: ISC */
/*
 * A queue file read as a message: its queued half, and what is known of its first pass.
 *
 * Hostile bytes: every length is checked, pointer records are followed a bounded number of times,
 * texts are capped. Call it only in a process that is mail_owner.
 */
#ifndef PQPURGE_POSTFIX_QUEUE_MESSAGE_H
#define PQPURGE_POSTFIX_QUEUE_MESSAGE_H

#include "mail/header.h"
#include "mail/identity.h"
#include "mail/selector.h"
#include "postfix/file/queue_route.h"

/* ---- the header, line by line (queue_header.c) */

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

/* ---- all of it */

struct queue_message {
	/*
	 * ORIGIN_QUEUE: the given half is empty but for mail_time, rcpt_time and end_time, the T
	 * record. The queued half is filled in; recipients are those that wait: R records, not D.
	 * `first`, MESSAGE_UNJOINED, MESSAGE_FIRST_PLAIN: queue_route.h. Views what follows.
	 */
	struct message message;
	struct identity identity;
	bool finished; /* read to its end: no recipient is missing */
	/*
	 * Set asked.selector before the first file to have all mailboxes of each header matched,
	 * the more than FROM_MAILBOX_MAX too: for selector_nominate_read.
	 */
	struct selector_header asked;
	struct queue_header header;
	/* While reading. */
	struct strbuf recipients, originals, login;
	bool made_here; /* log_message_origin=local: by a program of Postfix itself */
	bool by_client; /* it has attributes of an SMTP client */
};

/* Zero-initialise; read any number of files one after the other; release once. */
void queue_message_release(struct queue_message *m);

/*
 * Reads the file open on fd, whose name is id; at most max_recipients are kept (the rest is
 * counted). 0, ERR_SYNTAX (no queue file, or no arrival time or sender in it), -ENOMEM or -errno.
 *
 * MESSAGE_NOTICE: a notice of this host's bounce(8) (bounce/bounce_notify_util.c): null sender,
 * log_message_origin=local with no client (an SMTP client cannot cause that, and postdrop(1) lets
 * no such attribute through), first a Received by this host with no user, nothing forwarded, and
 * the header of a delivery report whose boundary names a queue ID and this host.
 */
int queue_message_read(int fd, const struct queue_id *id, const struct queue_host *host,
    size_t max_recipients, struct queue_message *m) NODISCARD;

#endif
