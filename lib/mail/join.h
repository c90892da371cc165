/* SPDX-License-Identifier: ISC */
/* Joins a message that came back from a content filter with the row of its first pass, so that
 * --login and --client find what waits behind amavis. What a stranger can forge never decides. */
#pragma once

#include "mail/message.h"

/* One Received header of this host. */
struct received_pass {
	struct queue_id queue_id; /* "" without one: smtpd_proxy_filter */
	/* "" if smtpd_sasl_authenticated_header is off, nobody logged in, or the name was
	 * altered. */
	char login[MESSAGE_TEXT_MAX + 1];
	bool plain;                /* its protocol says that nobody logged in ("ESMTP", "ESMTPS") */
	struct net_address client; /* family 0: not by SMTP, or unknown */
	int64_t uid;               /* who ran sendmail(1) (mail_owner: requeued), or -1 */
	bool by_smtp;              /* a client stands there ("from HELO (NAME [ADDRESS])") */
};

/* Reads a Received value, folded or not, as Postfix writes it (smtpd/smtpd.c, qmqpd/qmqpd.c,
 * pickup/pickup.c, local/forward.c):
 *   from HELO (NAME [ADDRESS]) (COMMENT)... by HOST (MAIL_NAME) with PROTOCOL [id ID] ...
 *   by HOST (MAIL_NAME[, from userid UID]) id ID; ...
 * True if it is that, by this host; else *ret is undefined. No client can imitate another part of
 * its line: Postfix makes '?' of blanks, brackets and quotes in HELO, and balances parentheses. */
bool received_read(const char *value, const char *host, struct received_pass *ret) NODISCARD;
/* Whether this client may be our own filter: loopback, own networks, or none (sendmail(1)). Headers
 * below ours are believed from these alone. */
bool join_is_local(const struct net_address *client, const struct net_block *own, size_t count);
/* Whether second is first, come back from a filter. All of this must hold: the client is local;
 * first has the ID in second.first; Message-ID (not empty) and sender, given or queued, are equal;
 * second's recipients are among first's; second is not older; second.first names no other client or
 * login. */
bool join_judge(const struct message *first, const struct message *second, bool local_client);
/* Fills second.first from its first row (or that row's own first pass). Sets MESSAGE_JOINED, or
 * keeps MESSAGE_UNJOINED if first has it. second then views first's strings. */
void join_take(const struct message *first, struct message *second);
/* first's row is another message: forgets what named it. */
void join_refuse(struct message *second);
