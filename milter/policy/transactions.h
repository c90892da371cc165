/* SPDX-License-Identifier: ISC */
/* Messages in progress in the policy front, by Postfix's instance attribute. The next request of
 * a message may come over another connection.
 *
 * A policy service never learns that a message was given up. But an smtpd(8) has one at a time,
 * and the attribute begins with its process ID, up to the first '.', so its next message
 * replaces the last. If there are too many, or too large ones, those that were silent longest
 * go. Any thread; a taken transaction belongs to its taker alone. */
#pragma once

#include <sys/queue.h>

#include "mail/queue_id.h"
#include "milter/session.h"

#define TRANSACTIONS_MAX      2048
#define TRANSACTIONS_BYTES    ((size_t)64 << 20) /* some 4 KB each, and max_recipients addresses */
#define TRANSACTIONS_PATIENCE (3600 * INT64_C(1000000)) /* microseconds of silence */
#define INSTANCE_MAX          63                        /* bytes; Postfix's are at most 40 */

struct transaction {
	char instance[INSTANCE_MAX + 1]; /* "": unknown, not found again */
	struct session *session;         /* NULL: not begun, or over */
	char ended[QUEUE_ID_MAX + 1];    /* the queue ID at its end; "": not ended */
	bool refused;                    /* by a rule, which is counted and logged */
	int64_t used;                    /* steady */
	size_t bytes;
	LIST_ENTRY(transaction) same; /* in its bucket */
	TAILQ_ENTRY(transaction) use; /* the newest first */
};

struct transactions;

struct transactions *transactions_new(void);
void transactions_free(struct transactions *t);
/* Takes it out of the table, or makes one in place of the process's last. */
struct transaction *transactions_take(struct transactions *t, const char *instance);
/* The table owns it again. */
void transactions_put(struct transactions *t, struct transaction *one);
unsigned transactions_count(struct transactions *t);
