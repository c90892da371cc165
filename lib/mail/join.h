/* SPDX-License-Identifier: ISC */
/*
 * Joining a message that came back from a content filter with the row of its first pass, so that
 * --login and --client find what waits behind amavis. Pure functions; what a stranger can forge is
 * never believed alone.
 */
#ifndef PQPURGE_MAIL_JOIN_H
#define PQPURGE_MAIL_JOIN_H

#include "mail/message.h"

/* What one Received header of this host says of the pass that it stands for. */
struct received_pass {
	struct queue_id queue_id; /* "" where it has none: smtpd_proxy_filter */
	/*
	 * "" where it names none: smtpd_sasl_authenticated_header is off, nobody logged in, or
	 * Postfix changed the name to make a comment of it.
	 */
	char login[MESSAGE_TEXT_MAX + 1];
	bool plain;                /* by its protocol nobody logged in ("ESMTP", "ESMTPS") */
	struct net_address client; /* family 0: not by SMTP, or not known */
	int64_t uid;  /* by sendmail(1), of this user; mail_owner's: requeued. Or -1. */
	bool by_smtp; /* a client stands there ("from HELO (NAME [ADDRESS])") */
};

/*
 * Reads a Received value as Postfix writes it (smtpd/smtpd.c, qmqpd/qmqpd.c, pickup/pickup.c,
 * local/forward.c), folded or not:
 *
 *   from HELO (NAME [ADDRESS]) (COMMENT)... by HOST (MAIL_NAME) with PROTOCOL [id ID] ...
 *
 *   by HOST (MAIL_NAME[, from userid UID]) id ID; ...
 *
 * True where it is that, by this host; else *ret is undefined. What a client can put into its own
 * line cannot pass for another part of it: Postfix makes '?' of blanks, brackets and quotes in
 * HELO, and parentheses in a login or a certificate's name are balanced.
 */
bool received_read(const char *value, const char *host, struct received_pass *ret) NODISCARD;

/*
 * Whether mail of this client may come from a filter of one's own: loopback, own networks, or no
 * client at all (sendmail(1)). Of anyone else no header below ours is believed.
 */
bool join_is_local(const struct net_address *client, const struct net_block *own, size_t count);

/*
 * Whether second is the message of first, come back from a filter. All of: its client is local (the
 * caller says so); first's is the ID that second.first.queue_id names; the same Message-ID, not
 * empty; the same sender, as given or queued; second's recipients are among first's; second did not
 * arrive earlier; second.first, where it is filled in, names no other client or login than first's.
 */
bool join_judge(const struct message *first, const struct message *second, bool local_client);

/*
 * Fills second.first in from its first row (or that one's own first pass) and sets MESSAGE_JOINED
 * instead of MESSAGE_UNJOINED, but where that of first is not known either. second then views
 * first's strings.
 */
void join_take(const struct message *first, struct message *second);
/* The other way: first's row is another message, so what named it is not believed either. */
void join_refuse(struct message *second);

#endif
