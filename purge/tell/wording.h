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

/* The client that sent it, before a content filter where that is known; family 0 for none. */
const struct net_address *wording_client(const struct message *m);
/* The recipients that still wait where the queue file was read, else those of RCPT TO; and how many
 * there are, cut ones included. */
const struct strlist *wording_recipients(const struct message *m, uint32_t *ret_count);

/* Of a message that was looked for: when it arrived (0 unknown), its bytes (-1 unknown), and the
 * queue that it lies in ("" none). */
int64_t item_arrival(const struct item *item, const struct message *m);
int64_t item_size(const struct item *item, const struct message *m);
const char *item_queue(const struct item *item);

/* "queue_name", "arrival_time" and "message_size", as far as they are known. */
void wording_put_place(struct json *o, const struct item *item, const struct message *m);
/* "sender", and "queued_sender" where the queue shows another. */
void wording_put_sender(struct json *o, const struct message *m);
/*
 * "recipients": objects with "address", as postqueue -j has them, and "queued_address", an array,
 * where the queue has others for it: aliases, or nobody any more where it was delivered. What only
 * the queue has, as by always_bcc, comes with "added". Where not all are known, "recipient_count"
 * tells how many there are.
 */
void wording_put_recipients(struct json *o, const struct message *m);
/* All that `list` tells of a message beside its place: sender, from, recipients, client, login,
 * message_id and so on; absent when unknown. */
void wording_put_message(struct json *o, const struct message *m);

#endif
