/* SPDX-License-Identifier: ISC */
/* Messages that are on their way through the policy front, by Postfix's instance attribute: what
 * one request of a message says is there when the next one comes, perhaps over another connection.
 *
 * A policy service never learns that a message was given up. But an smtpd(8) has one at a time, and
 * its process ID stands in front of the attribute, up to the first '.': its next message takes the
 * place of the last, so that a client that gives up one after the other costs no more than one. Of
 * too many, or too large ones, those that were silent for longest go. Any thread; who took one has
 * it alone. */
#pragma once

#include "mail/queue_id.h"
#include "milter/session.h"

#define TRANSACTIONS_MAX      2048
#define TRANSACTIONS_BYTES    ((size_t)64 << 20) /* some 4 KB each, and max_recipients addresses */
#define TRANSACTIONS_PATIENCE (3600 * INT64_C(1000000)) /* of silence, in microseconds */
#define INSTANCE_MAX          63                        /* bytes; Postfix's has at most 40 */

struct transaction {
	char instance[INSTANCE_MAX + 1]; /* "": unknown, so that it cannot be found again */
	struct session *session;         /* NULL: not begun, or over */
	char ended[QUEUE_ID_MAX + 1];    /* the queue ID that it ended with; "" it did not */
	bool refused;                    /* a rule refused it: counted and logged */
	/* Of the table. */
	int64_t used; /* steady */
	size_t bytes;
	struct transaction *same, *newer, *older;
};

struct transactions;

struct transactions *transactions_new(void); /* NULL on no memory */
void transactions_free(struct transactions *t);
/* Takes it out of the table, or makes one in the place of the process's last. NULL on no memory. */
struct transaction *transactions_take(struct transactions *t, const char *instance);
/* Puts it back; the table owns it again. */
void transactions_put(struct transactions *t, struct transaction *one);
unsigned transactions_count(struct transactions *t);
