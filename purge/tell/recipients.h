/* SPDX-License-Identifier: ISC */
/* The recipients of a message as JSON: those of RCPT TO, and what the queue made of each. */
#ifndef PQPURGE_PURGE_RECIPIENTS_H
#define PQPURGE_PURGE_RECIPIENTS_H

#include "base/json.h"
#include "mail/message.h"

/*
 * "recipients": objects with "address", as postqueue -j has them, and "queued_address", an array,
 * where the queue has others for it: aliases, or nobody any more where it was delivered. What only
 * the queue has, as by always_bcc, comes with "added". Where not all are known,
 * "recipient_count" tells how many there are.
 */
void recipients_put(struct json *o, const struct message *m);

#endif
