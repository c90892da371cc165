/* SPDX-License-Identifier: ISC */
/* The state of one connection and its current message. It knows neither libmilter nor threads:
 * calls for one session come one at a time, from any thread. It owns all its memory. The message's
 * state is reset at every MAIL and at abort, since a milter never learns that a message is over. */
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
    const struct session_config *config); /* config must outlive it; NULL: no memory */
void session_free(struct session *s);
size_t session_bytes(const struct session *s); /* bytes of memory in use */

/* local: mail from sendmail(1), which has no client; macro `i` exists at connect then. */
void session_connect(
    struct session *s, const struct net_address *client, uint16_t port, bool local);
/* MAIL FROM with its raw argument ("<>", "" or NULL: null sender). Resets the message. */
void session_mail(struct session *s, const char *argument, const char *login);
/* The same for a policy service, which is first asked at RCPT. sender is unquoted (address.h).
 * arrival is the future T record, or 0 if unknown; it also becomes mail_time and rcpt_time. */
void session_mail_before(struct session *s, const char *sender, const char *login, int64_t arrival);
/* RCPT TO; queue_id is the MTA's or NULL. If smtpd_end_of_data_restrictions refuse a message,
 * Postfix before 3.12 silently goes on with RCPT and makes a new queue file at the next recipient.
 * Recipients of the old file are then forgotten. */
void session_rcpt(struct session *s, const char *argument, const char *queue_id);
void session_rcpt_unquoted(struct session *s, const char *recipient, const char *queue_id);
/* For a policy service, before session_end: its calls of session_rcpt_unquoted may include
 * recipients that another restriction refused. count were accepted (0: unknown); only is the single
 * accepted recipient, or "". If count is another number than recorded, only the queue file knows
 * them. */
void session_settle_recipients(
    struct session *s, const char *queue_id, uint32_t count, const char *only);
/* A header, folded lines joined by LF. Keeps every From, the first Message-ID, and the Subject if
 * wanted. */
void session_header(struct session *s, const char *name, const char *value);
/* A From field. Calls taken (may be NULL) for each mailbox in it that is not recorded yet. */
void session_from(struct session *s, const char *value, from_taken *taken, void *arg);
/* End of message. Returns 1 and the finished message, valid until the next call that changes the
 * session; 0 without a usable queue ID; -ENOMEM if something could not be kept. login NULL: as at
 * MAIL. */
int session_end(struct session *s, const char *queue_id, const char *login,
    const struct message **ret) NODISCARD;
/* The message so far, valid until the next call. */
const struct message *session_message(const struct session *s);
const struct address *session_sender(const struct session *s);
bool session_is_local(const struct session *s);
/* RSET, disconnect, or another filter's refusal. */
void session_abort(struct session *s);
