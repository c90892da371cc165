/* SPDX-License-Identifier: ISC */
/*
 * Joining a message that came back from a content filter with the row of its first pass, so that
 * --login and --client find what waits behind amavis. Pure functions; what a stranger can forge is
 * never believed alone.
 */
#ifndef PQPURGE_MAIL_JOIN_H
#define PQPURGE_MAIL_JOIN_H

#include "mail/message.h"

/*
 * What the topmost Received headers below the file's own say of the first pass (postfix/file
 * reads it from a queue file, the session from what the milter gets, which hides the topmost).
 *
 * The line must be Postfix's own form (smtpd/smtpd.c: "from HELO (NAME [ADDRESS]) (Authenticated
 * sender: LOGIN) by MYHOSTNAME (MAIL_NAME) with PROTO id ID ..."), and `by` must be host. A
 * requeue's ("by HOST (NAME, from userid N) id ID") is passed over once. The search stops at the
 * first Received of this form whatever it holds: what lies further down a stranger may have
 * written.
 */
struct received_pass {
	bool found;                       /* a header of this host's form was there */
	struct queue_id queue_id;         /* "" where it has none (smtpd_proxy_filter) */
	char login[MESSAGE_TEXT_MAX + 1]; /* "" where it names none */
	struct net_address client;        /* family 0 where it names none */
};

/*
 * Reads one unfolded Received value. 1: of this host's form, *ret filled in. 0: of another host or
 * form. ERR_STALE: this host's requeue line, to be passed over.
 */
int received_read(const char *value, const char *host, struct received_pass *ret) NODISCARD;

/*
 * Whether second is the message of first, come back from a filter. All of: first is the row of the
 * ID that second.first.queue_id names; same Message-ID, not empty; second's sender is first's, as
 * given or queued; second's recipients are a subset of first's; where the Received named a client,
 * it is first's; second's client is local: loopback, pickup, or inside own_networks. The last is
 * the caller's to say.
 */
bool join_judge(const struct message *first, const struct message *second, bool local_client);

#endif
