/* SPDX-License-Identifier: ISC */
/* The state of one connection and its current message. Knows neither libmilter nor threads: calls
 * for one session come one at a time, from any thread. All memory is its own. Per-message state is
 * reset at every MAIL and at abort: a milter never learns that a message was over. */
#pragma once

#include "base/err.h"
#include "mail/header.h"
#include "mail/message.h"

struct session_config {
	const char *origin; /* $myorigin; "" unknown */
	unsigned max_recipients;
	bool record_subject;
};

struct session;

struct session *session_new(
    const struct session_config *config); /* config must outlive it; NULL on no memory */
void session_free(struct session *s);
size_t session_bytes(const struct session *s); /* the memory that it has */

/* local: mail from sendmail(1) (macro `i` exists at connect), which has no client. */
void session_connect(
    struct session *s, const struct net_address *client, uint16_t port, bool local);
/* MAIL FROM with its raw argument ("<>", "" or NULL: null sender); resets the message. */
void session_mail(struct session *s, const char *argument, const char *login);
/* The same for a policy service, which is first asked at RCPT. sender is unquoted (address.h);
 * arrival is what the T record will say, 0 if that is unknown; mail_time and rcpt_time are that. */
void session_mail_before(struct session *s, const char *sender, const char *login, int64_t arrival);
/* RCPT TO; queue_id is the MTA's or NULL. If smtpd_end_of_data_restrictions refuse a message,
 * Postfix before 3.12 silently goes on with RCPT and makes a new queue file at the next recipient;
 * recipients of the old file are then forgotten. */
void session_rcpt(struct session *s, const char *argument, const char *queue_id);
void session_rcpt_unquoted(struct session *s, const char *recipient, const char *queue_id);
/* Before session_end of a policy service, whose calls of session_rcpt_unquoted may have been of
 * recipients that another restriction refused: count were accepted (0: unknown). only is the one
 * accepted recipient, or ""; then, if that is another number, the queue file alone knows them. */
void session_settle_recipients(
    struct session *s, const char *queue_id, uint32_t count, const char *only);
/* A header with folded lines joined by LF. Kept: every From, the first Message-ID and Subject (if
 * wanted). */
void session_header(struct session *s, const char *name, const char *value);
/* A From field; calls taken (may be NULL) for each mailbox in it that is not recorded yet. */
void session_from(struct session *s, const char *value, from_taken *taken, void *arg);
/* End of message: 1 and the finished message, valid until the next call that changes the session; 0
 * without a usable queue ID; -ENOMEM if something could not be kept. login NULL: as at MAIL. */
int session_end(struct session *s, const char *queue_id, const char *login,
    const struct message **ret) NODISCARD;
/* The message so far, valid until the next call. */
const struct message *session_message(const struct session *s);
const struct address *session_sender(const struct session *s);
bool session_is_local(const struct session *s);
/* RSET, disconnect, or another filter's refusal. */
void session_abort(struct session *s);
