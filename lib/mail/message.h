/* SPDX-License-Identifier: ISC */
/* All that is known of one message, in two halves: the given half is what the milter saw, the
 * queued half what the queue file says. At least one of them is there.
 *
 * A message is a view: it does not own its strings, and none is NULL. */
#pragma once

#include "base/net.h"
#include "base/str.h"
#include "mail/address/address.h"
#include "mail/queue_id.h"

enum message_origin {
	ORIGIN_SMTPD = 1, /* given half from smtpd_milters or a policy service */
	ORIGIN_SENDMAIL,  /* given half from non_smtpd_milters: sendmail(1) */
	ORIGIN_QUEUE,     /* no given half: the message was read from its queue file */
};

enum message_flag {
	/* The wall clock was set between mail_time and rcpt_time. */
	MESSAGE_CLOCK_STEPPED = 1u << 0,
	/* The list lacks some of the half's recipients; recipient_count counts all. */
	MESSAGE_CUT_RECIPIENTS = 1u << 1,
	MESSAGE_CUT_QUEUED_RECIPIENTS = 1u << 2,
	/* The list lacks some of the half's header From mailboxes. */
	MESSAGE_CUT_FROM = 1u << 3,
	MESSAGE_CUT_QUEUED_FROM = 1u << 4,
	/* An address, login, Message-ID or subject was longer than its cap. */
	MESSAGE_CUT_TEXT = 1u << 5,
	MESSAGE_HELD = 1u << 6, /* one of our rules held it */
	/* Came back from a content filter: `first` is from the row of its first pass. */
	MESSAGE_JOINED = 1u << 7,
	/* The same, but that row is unknown: `first` is from Received and XFORWARD. */
	MESSAGE_UNJOINED = 1u << 8,
	MESSAGE_NOTICE = 1u << 9, /* queued half: a bounce or delay notice that this host made */
	/* Not joined, and Received says that nobody logged in at the first pass. */
	MESSAGE_FIRST_PLAIN = 1u << 10,
};

struct queued {
	bool known;           /* the file was read; if not, all other members are zero or "" */
	int64_t arrival_time; /* T record, wall clock, microseconds */
	/* A create_time, wall clock, microseconds, whole seconds; -1 if absent */
	int64_t create_time;
	uint64_t inode;                        /* st_ino */
	int64_t size;                          /* bytes, as postqueue(1) shows it; -1 unknown */
	int64_t uid;                           /* who ran sendmail(1); -1: nobody, or unknown */
	struct net_address client, log_client; /* family 0: absent */
	uint16_t client_port;
	uint32_t recipient_count;
	const char *sender;  /* S record in normal form: rewritten, masqueraded, SRS */
	struct strlist from; /* of header From, in normal form */
	/* R records: recipients that still wait, after aliases and always_bcc. */
	struct strlist recipients;
	struct strlist originals; /* the O record of each recipient; "" if it is the same */
	const char *login;        /* sasl_username */
	const char *message_id;   /* includes its <> */
	const char *log_ident;    /* the message's first queue ID; "" if absent */
};

/* Of a message that came back from a content filter. */
struct first_pass {
	struct queue_id queue_id; /* "" if no trusted header or attribute names it */
	const char *login;        /* "": unknown */
	struct net_address client;
};

struct message {
	struct queue_id queue_id;
	enum message_origin origin;
	uint32_t flags;
	/* Wall clock, microseconds, at the milter's callbacks; 0 unknown. For ORIGIN_QUEUE all but
	 * connect_time are the T record. */
	int64_t connect_time, mail_time;
	int64_t rcpt_time; /* first RCPT; from the policy front T if known, as mail_time */
	int64_t end_time;
	struct net_address client; /* family 0 for local mail */
	uint16_t client_port;
	uint32_t recipient_count;
	/* Normal form; "": the null sender. */
	const char *sender;
	struct strlist from;       /* of header From, in normal form */
	struct strlist recipients; /* as given at RCPT TO, in normal form */
	const char *login;         /* SASL; "": none */
	const char *message_id;    /* includes its <>; "": none */
	const char *subject;       /* "" unless record_subject */

	struct queued queued;
	struct first_pass first;
};

#define MESSAGE_TEXT_MAX 512 /* bytes of login, Message-ID and subject that are kept */

void message_init(struct message *m);
static inline bool message_is_given(const struct message *m)
{
	return m->origin != ORIGIN_QUEUE;
}
/* As mailq shows it: the queued one if known, otherwise the given one. */
const char *message_sender(const struct message *m);
/* From the half that knows it, the given one first. message_login asks the first pass last. */
const char *message_login(const struct message *m);
const char *message_id_of(const struct message *m);
const struct strlist *message_from(const struct message *m);
/* Whether only the queue file has all mailboxes of the header From. */
bool message_from_is_cut(const struct message *m);
/* Family 0 for local mail, port 0 if unknown. ret_port may be NULL. */
const struct net_address *message_client(const struct message *m, uint16_t *ret_port);
/* The one before a content filter, if known. Family 0: none. */
const struct net_address *message_outer_client(const struct message *m);
/* The queue file's if it was read, otherwise those of RCPT TO. *ret_count includes those that were
 * cut. */
const struct strlist *message_waiting(const struct message *m, uint32_t *ret_count);
/* Wall clock, microseconds: the T record if known, otherwise mail_time. */
int64_t message_arrival(const struct message *m);

/* The domain of a sender or mailbox in normal form. */
void message_domain(const char *normal, struct domain *ret);
/* The distinct author domains of both halves, at most max; that of the given envelope sender comes
 * first. If some mailboxes are not recorded, the last domain is MESSAGE_AUTHORS_CUT, where a search
 * for an author must look, too. */
#define MESSAGE_AUTHORS_MAX (2 * (1 + FROM_MAILBOX_MAX) + 1)
#define MESSAGE_AUTHORS_CUT "*"
size_t message_authors(const struct message *m, struct domain *ret, size_t max);
