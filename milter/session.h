/* SPDX-License-Identifier: ISC */
/* The state of one connection and its current message. It knows neither libmilter nor threads:
 * calls for one session come one at a time, from any thread. Every MAIL and every abort resets
 * the message, since a milter never learns that a message is over. */
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

struct session *session_new(const struct session_config *config); /* config must outlive it */
void session_free(struct session *s);
size_t session_bytes(const struct session *s); /* in use */

/* local: from sendmail(1), without a client. */
void session_connect(
    struct session *s, const struct net_address *client, uint16_t port, bool local);
/* MAIL FROM. argument is raw; "<>", "" and NULL are the null sender. Resets the message. */
void session_mail(struct session *s, const char *argument, const char *login);
/* Likewise for a policy service, which is first asked at RCPT. sender is unquoted (address.h).
 * arrival is the future T record, or 0 if unknown; it is also used as mail_time and rcpt_time. */
void session_mail_before(struct session *s, const char *sender, const char *login, int64_t arrival);
/* RCPT TO. queue_id is the MTA's, or NULL; if it changes, recipients of the old file are
 * forgotten: when smtpd_end_of_data_restrictions refuse a message, Postfix before 3.12 silently
 * goes on with RCPT and makes a new queue file at the next recipient. */
void session_rcpt(struct session *s, const char *argument, const char *queue_id);
void session_rcpt_unquoted(struct session *s, const char *recipient, const char *queue_id);
/* For a policy service, before session_end, since its recipients may include some that another
 * restriction refused. count were accepted (0: unknown); only is the single accepted recipient,
 * or "". If the counts differ, the recipients are dropped and marked as cut. */
void session_settle_recipients(
    struct session *s, const char *queue_id, uint32_t count, const char *only);
/* Folded lines are joined by LF. Keeps every From, the first Message-ID, and the Subject if
 * wanted. */
void session_header(struct session *s, const char *name, const char *value);
/* Calls taken (may be NULL) for each mailbox of a From field that is not recorded yet. */
void session_from(struct session *s, const char *value, from_taken *taken, void *arg);
/* Keeps a From field without scanning it, which costs little. False: there is no room; scan what
 * is kept, and then this one (session_from). */
bool session_keep_from(struct session *s, const char *value);
struct strlist session_kept_from(const struct session *s);
/* As session_from does for each that is kept. False: memory was short. */
bool session_scan_kept(struct session *s, from_taken *taken, void *arg);
/* End of message. Returns 1 and the finished message, valid until the next call that changes the
 * session; 0 without a usable queue ID; -ENOMEM if something could not be kept. login NULL: as at
 * MAIL. */
int session_end(struct session *s, const char *queue_id, const char *login,
    const struct message **ret) NODISCARD;
/* What is known so far; valid until the next call. */
const struct message *session_message(const struct session *s);
const struct address *session_sender(const struct session *s);
bool session_is_local(const struct session *s);
/* For RSET, disconnect, or another filter's refusal. */
void session_abort(struct session *s);
