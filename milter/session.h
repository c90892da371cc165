/* SPDX-License-Identifier: ISC */
/*
 * One connection's and one message's state, from the events that a front end reports, to a finished
 * struct message. Knows neither libmilter nor threads: calls for one session come one at a time,
 * from any thread. All memory is its own. Per-message state is reset in one place, at every MAIL
 * and at abort: a milter never learns that a message was over.
 */
#ifndef PQPURGE_MILTER_SESSION_H
#define PQPURGE_MILTER_SESSION_H

#include "base/err.h"
#include "mail/header.h"
#include "mail/message.h"

struct session_config {
	const char *origin; /* $myorigin; "" unknown */
	unsigned max_recipients;
	bool record_subject;
};

struct session; /* opaque */

struct session *session_new(
    const struct session_config *config); /* config outlives it; NULL on no memory */
void session_free(struct session *s);

/* local: sendmail(1) mail (macro `i` was there at connect); such mail carries no client. */
void session_connect(
    struct session *s, const struct net_address *client, uint16_t port, bool local);
/* MAIL FROM with its raw argument ("<>", "" or NULL: the null sender); resets the message. */
void session_mail(struct session *s, const char *argument, const char *login);
/*
 * RCPT TO, with the queue ID that the MTA has by then (NULL: none yet). Postfix before 3.12 goes on
 * with RCPT, without a word, where smtpd_end_of_data_restrictions have refused a message, and makes
 * a new queue file at the first of these recipients. What was given for another file is forgotten.
 */
void session_rcpt(struct session *s, const char *argument, const char *queue_id);
/* name and value as the MTA has them: folded lines joined by LF. From (every field), Message-ID
 * (first), Subject (first, if wanted). */
void session_header(struct session *s, const char *name, const char *value);
/* A From field; taken (may be NULL) is told of every mailbox in it that is not recorded yet. */
void session_from(struct session *s, const char *value, from_taken *taken, void *arg);
/*
 * End of message: 1 and the finished message (a view of the session, until the next call that
 * changes it); 0 where there is no usable queue ID (the message cannot be indexed); -ENOMEM if
 * something could not be kept. login is the one at this stage (NULL: as at MAIL).
 */
int session_end(struct session *s, const char *queue_id, const char *login,
    const struct message **ret) NODISCARD;
/* The message so far (for rules at MAIL). Valid until the next call. */
const struct message *session_message(const struct session *s);
const struct address *session_sender(const struct session *s);
bool session_is_local(const struct session *s);
/* RSET, abrupt end, or another filter's refusal. */
void session_abort(struct session *s);

#endif
