/* SPDX-License-Identifier: ISC */
/* Joins a message that came back from a content filter with the row of its first pass, so that
 * --login and --client find mail that waits behind amavis. Nothing that a stranger can forge
 * decides. */
#pragma once

#include "mail/message.h"

/* What a Received header of this host says. */
struct received_pass {
	struct queue_id queue_id; /* "" if the header has none: smtpd_proxy_filter */
	/* "" if smtpd_sasl_authenticated_header is off, nobody logged in, or Postfix altered the
	 * name. */
	char login[MESSAGE_TEXT_MAX + 1];
	bool plain;                /* its protocol ("ESMTP", "ESMTPS") says that nobody logged in */
	struct net_address client; /* family 0: not by SMTP, or unknown */
	int64_t uid;               /* the user who ran sendmail(1) (mail_owner: requeued), or -1 */
	bool by_smtp;              /* it names a client ("from HELO (NAME [ADDRESS])") */
};

/* Reads a Received value, folded or not, as Postfix writes it (smtpd/smtpd.c, qmqpd/qmqpd.c,
 * pickup/pickup.c, local/forward.c):
 *   from HELO (NAME [ADDRESS]) (COMMENT)... by HOST (MAIL_NAME) with PROTOCOL [id ID] ...
 *   by HOST (MAIL_NAME[, from userid UID]) id ID; ...
 * Returns true if this host wrote it; otherwise *ret is undefined. A client cannot imitate another
 * part of its line: Postfix replaces blanks, brackets and quotes in HELO by '?', and balances
 * parentheses. */
bool received_read(const char *value, const char *host, struct received_pass *ret) NODISCARD;
/* Whether this client may be our own filter: loopback, own networks, or none (sendmail(1)). Only
 * then do we believe headers below ours. */
bool join_is_local(const struct net_address *client, const struct net_block *own, size_t count);
/* Whether second is first, come back from a filter. All of this must hold: the client is local;
 * first has the ID in second.first; Message-ID (not empty) and sender are equal, given or queued;
 * second's recipients are among first's; second is not older; second.first names no other client or
 * login. */
bool join_judge(const struct message *first, const struct message *second, bool local_client);
/* Fills second.first from the row of its first pass, or from that row's own first pass. Sets
 * MESSAGE_JOINED, but keeps MESSAGE_UNJOINED if first has it. second then points to first's
 * strings. */
void join_take(const struct message *first, struct message *second);
/* If the row turned out to be another message: forgets the login and client of `first`. */
void join_refuse(struct message *second);
