/* SPDX-License-Identifier: ISC */
/* A queue file read as a message: its queued half, and what is known of its first pass. Hostile
 * bytes, as in queue_file.h; texts are capped. Only for a process that is mail_owner. */
#pragma once

#include "mail/header.h"
#include "mail/identity.h"
#include "mail/selector.h"
#include "postfix/file/queue_route.h"

/* ---- the header, line by line (queue_header.c) */

#define QUEUE_FIELD_MAX (128u << 10) /* bytes of one field; header_size_limit is 102,400 */

struct queue_header {
	struct header recorded;
	struct selector_header *asked; /* gets the Subject fields; NULL: nobody asks */
	struct queue_route route;
	struct strbuf report; /* Content-Type, if it is that of a delivery report */
	bool auto_replied;    /* Auto-Submitted: auto-replied */
	bool delivered_to;    /* there is a Delivered-To: forwarded */
	bool cut;             /* a field was longer than QUEUE_FIELD_MAX, or a line than a record */
	/* Private. */
	const struct queue_host *host;
	struct strbuf field; /* may continue on the next line */
	unsigned fields;
	bool ended;
};

/* Forgets what was read and keeps the memory. Zero-initialise before the first. */
void queue_header_clear(struct queue_header *h, const struct queue_host *host);
void queue_header_release(struct queue_header *h);

/* A piece of a line; starts: the first one. A line that belongs to no header sets `ended`, and the
 * rest is ignored. */
void queue_header_line(struct queue_header *h, const char *text, size_t len, bool starts);
void queue_header_end(struct queue_header *h); /* no more lines */

/* Whether the report's boundary is "QUEUEID.SECONDS/host", as bounce(8) makes it. */
bool queue_header_reported_by(const struct queue_header *h, const char *host);

/* ---- all of it */

struct queue_message {
	/* ORIGIN_QUEUE. Of the given half only mail_time, rcpt_time and end_time are set, to the T
	 * record. Recipients are those that wait: R records, not D. `first`, MESSAGE_UNJOINED and
	 * MESSAGE_FIRST_PLAIN: queue_route.h. Points into what follows. */
	struct message message;
	struct identity identity;
	bool finished; /* read to its end: no recipient is missing */
	/* What mailboxes.selector asks of the Subject; YES without a selector. */
	enum selector_answer subject;
	/* Set mailboxes.selector before the first file to match all mailboxes of each header, also
	 * those past FROM_MAILBOX_MAX (selector_nominate_read). */
	struct selector_header mailboxes;
	struct queue_header header;
	/* Private. */
	struct strbuf recipients, originals, login;
	bool made_here; /* log_message_origin=local: by a program of Postfix */
	bool by_client; /* it has attributes of an SMTP client */
};

/* Zero-initialise, read any number of files, release once. */
void queue_message_release(struct queue_message *m);

/*
 * Reads the file open on fd, named id; keeps at most max_recipients and counts the rest. 0,
 * ERR_SYNTAX (no queue file, or without arrival time or sender), -ENOMEM or -errno.
 *
 * MESSAGE_NOTICE: made by this host's bounce(8) (bounce/bounce_notify_util.c): null sender,
 * log_message_origin=local without a client (neither an SMTP client nor postdrop(1) can set that),
 * first a Received by this host without a user, nothing forwarded, and a delivery report whose
 * boundary names a queue ID and this host.
 */
int queue_message_read(int fd, const struct queue_id *id, const struct queue_host *host,
    size_t max_recipients, struct queue_message *m) NODISCARD;
