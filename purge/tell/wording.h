/* SPDX-License-Identifier: ISC */
/* Messages in words: the forms of addresses and counts that all reports share. */
#ifndef PQPURGE_PURGE_WORDING_H
#define PQPURGE_PURGE_WORDING_H

#include "base/json.h"
#include "mail/message.h"
#include "order/order.h"

/*
 * An address in normal form as postqueue -j writes it (global/quote_822_local.c): the local part
 * quoted where it is no dot-string, and "MAILER-DAEMON" for the null sender. ret is cleared first.
 */
void wording_address(const char *normal, struct strbuf *ret);

/* The same for a terminal: scrubbed, cut to size with "..." at the end, "<>" for the null sender.
 * Returns buf. */
char *wording_address_text(const char *normal, char *buf, size_t size);

/* "message" or "messages". */
const char *wording_messages(uint64_t n);

/* The client that sent it, before a content filter where that is known; family 0 for none. */
const struct net_address *wording_client(const struct message *m);
/* The recipients that still wait where the queue file was read, else those of RCPT TO; and how many
 * there are, cut ones included. */
const struct strlist *wording_recipients(const struct message *m, uint32_t *ret_count);

/* "sender", and "queued_sender" where the queue shows another. */
void wording_put_sender(struct json *o, const struct message *m);
/* All that `list` tells of a message beside its place: sender, from, recipients, client, login,
 * message_id and so on; absent when unknown. */
void wording_put_message(struct json *o, const struct message *m);

#endif
