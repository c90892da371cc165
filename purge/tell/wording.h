/* SPDX-License-Identifier: ISC */
/* Messages in words, shared by all reports. */
#pragma once

#include "base/json.h"
#include "mail/message.h"
#include "order/order.h"

/* Writes an address as postqueue -j does (global/quote_822_local.c): the local part quoted unless
 * it is a dot-string, and "MAILER-DAEMON" for the null sender. Clears ret first. */
void wording_address(const char *normal, struct strbuf *ret);

/* For a terminal: scrubbed, cut with "...", "<>" for the null sender. Returns buf. */
char *wording_address_text(const char *normal, char *buf, size_t size);

/* Unknown: 0, -1 and "". */
int64_t item_arrival(const struct item *item, const struct message *m);
int64_t item_size(const struct item *item, const struct message *m);
const char *item_queue(const struct item *item);

/* "queue_name", "arrival_time" and "message_size", if known. */
void wording_put_place(struct json *o, const struct item *item, const struct message *m);
/* "sender", and "queued_sender" if it differs. */
void wording_put_sender(struct json *o, const struct message *m);
/* "recipients": objects with "address" as given and, if it differs, "queued_address", an array:
 * aliases, or empty once delivered. Recipients that only the queue has (always_bcc) have "added".
 * If the list is cut, "recipient_count" is the total. */
void wording_put_recipients(struct json *o, const struct message *m);
/* All that `list` shows except the place; unknown members are absent. */
void wording_put_message(struct json *o, const struct message *m);
