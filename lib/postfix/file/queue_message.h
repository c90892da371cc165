/* SPDX-License-Identifier: ISC */
/* Reads a queue file as a message: its queued half, and what the file tells about its first pass.
 *
 * The bytes are hostile, as in queue_file.h; texts are capped. Only for mail_owner's processes. */
#pragma once

#include "mail/header.h"
#include "mail/identity.h"
#include "mail/selector/selector.h"
#include "postfix/file/queue_route.h"

/* The header, line by line (queue_header.c). */

#define QUEUE_FIELD_MAX (128u << 10) /* of one field; header_size_limit is 102,400 */

struct queue_header {
	struct header recorded;
	struct selector_header *asked; /* gets the Subject fields; may be NULL */
	struct queue_route route;
	struct strbuf report; /* the Content-Type if it is a delivery report's */
	bool auto_replied;    /* Auto-Submitted: auto-replied */
	bool delivered_to;    /* so the mail was forwarded */
	bool cut;             /* a field exceeded QUEUE_FIELD_MAX, a line exceeded a record, or
			       * the file could not be read to the header's end */
	/* Private. */
	const struct queue_host *host;
	struct strbuf field; /* the next line may continue it */
	unsigned fields;
	bool ended;
};

/* Forgets what was read but keeps the memory. */
void queue_header_clear(struct queue_header *h, const struct queue_host *host);
void queue_header_release(struct queue_header *h);

/* A piece of a line; starts: the line's first piece. A line that cannot belong to a header sets
 * `ended`, and the rest is ignored. */
void queue_header_line(struct queue_header *h, const char *text, size_t len, bool starts);
void queue_header_end(struct queue_header *h); /* after the last line */

/* Whether the report's boundary is "QUEUEID.SECONDS/host", as bounce(8) makes it. */
bool queue_header_reported_by(const struct queue_header *h, const char *host);

struct queue_message {
	/* Of the given half only mail_time, rcpt_time and end_time are set, all to the T record.
	 * Recipients are those that still wait (R records, not D), and where a REDIRECT leads.
	 * queue_route.h explains `first`, MESSAGE_UNJOINED and MESSAGE_FIRST_PLAIN. Points into the
	 * members below. */
	struct message message;
	struct identity identity;
	bool finished; /* read to its end, so that no recipient is missing */
	/* The Subject's answer to mailboxes.selector; YES without a selector. */
	enum selector_answer subject;
	/* If mailboxes.selector is set before the first file, all mailboxes of each header are
	 * matched, even those past FROM_MAILBOX_MAX (selector_nominate_read). */
	struct selector_header mailboxes;
	struct queue_header header;
	/* Private. */
	struct strbuf recipients, originals, login;
	bool made_here; /* log_message_origin=local: a program of Postfix made it */
	bool by_client; /* has attributes of an SMTP client */
};

/* Reads any number of files with one *m. */
void queue_message_release(struct queue_message *m);

/* Reads the file open on fd, whose name is id. Keeps at most max_recipients and counts the others.
 * Returns 0, ERR_SYNTAX (no queue file, or no arrival time or sender), -ENOMEM or -errno.
 *
 * Sets MESSAGE_NOTICE if this host's bounce(8) made the message (bounce/bounce_notify_util.c). That
 * takes all of: a null sender; log_message_origin=local without a client, which neither an SMTP
 * client nor postdrop(1) can set; a first Received field by this host without a user; no
 * forwarding; and a delivery report whose boundary names a queue ID and this host. */
int queue_message_read(int fd, const struct queue_id *id, const struct queue_host *host,
    size_t max_recipients, struct queue_message *m) NODISCARD;
