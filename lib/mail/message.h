/* SPDX-License-Identifier: ISC */
/*
 * struct message: all that is recorded of one message. A view: the strings belong to whoever built
 * or decoded it (the session's buffers, the record's bytes) and none is ever NULL in a message from
 * message_init or record_decode.
 */
#ifndef PQPURGE_MAIL_MESSAGE_H
#define PQPURGE_MAIL_MESSAGE_H

#include "base/str.h"
#include "mail/address.h"
#include "mail/net.h"
#include "mail/queue_id.h"

enum message_origin {
	ORIGIN_SMTPD = 1, /* seen by smtpd_milters */
	ORIGIN_SENDMAIL,  /* sendmail(1) mail, seen by non_smtpd_milters */
	ORIGIN_SCAN,      /* read from its queue file later; mail_time is the T record */
};

enum message_flag {
	MESSAGE_CLOCK_STEPPED =
	    1u << 0, /* the wall clock was set between mail_time and rcpt_time: see identity.h */
	MESSAGE_CUT_RECIPIENTS =
	    1u << 1, /* more recipients than recorded; recipient_count counts all */
	MESSAGE_CUT_FROM = 1u << 2,
	MESSAGE_CUT_TEXT =
	    1u << 3, /* an address, login, Message-ID or subject was longer than its cap */
	MESSAGE_HELD = 1u << 4, /* a rule of ours held it */
};

struct message {
	struct queue_id queue_id;
	enum message_origin origin;
	uint32_t flags;
	int64_t connect_time; /* wall microseconds at the milter's callbacks; 0 = unknown */
	int64_t mail_time;
	int64_t rcpt_time;         /* first RCPT */
	int64_t end_time;          /* end of message */
	struct net_address client; /* family 0 for local mail */
	uint16_t client_port;
	uint32_t recipient_count;
	const char *sender;  /* envelope sender in normal form (address.h); "" is the null sender */
	struct strlist from; /* mailboxes of header From, normal form */
	struct strlist recipients; /* as given at RCPT TO, normal form */
	const char *login;         /* SASL login name; "" if none */
	const char *message_id;    /* with its <>; "" if none */
	const char *subject;       /* "" unless record_subject */
};

#define MESSAGE_TEXT_MAX 512 /* bytes kept of login, Message-ID, subject */

/* All empty, no NULL string. */
void message_init(struct message *m);
/* The domain of a sender or mailbox in normal form. */
void message_domain(const char *normal, struct domain *ret);
/*
 * The distinct author domains: the envelope sender's and every header From mailbox's, at most max
 * (1 + FROM_MAILBOX_MAX suffices). The envelope's is first. Returns how many.
 */
size_t message_authors(const struct message *m, struct domain *ret, size_t max);

#endif
