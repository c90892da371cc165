/* SPDX-License-Identifier: ISC */
/*
 * Why messages wait: the entries of their defer logs, which is where `postqueue -j` has its
 * delay_reason from, read and grouped in a child that is mail_owner. Only the logs of the messages
 * that are asked about are opened, and memory depends on the number of different reasons.
 */
#ifndef PQPURGE_PURGE_WHY_H
#define PQPURGE_PURGE_WHY_H

#include "base/role.h"
#include "mail/queue_id.h"
#include "postfix/queue.h"

#define WHY_REASONS_MAX 2000   /* different ones; the rest is counted as one */
#define WHY_DOMAINS_MAX 200000 /* pairs of reason and recipient domain that are counted */
#define WHY_DOMAINS     5      /* of one reason that are handed over */

struct why_domain {
	const char *name;
	uint64_t count; /* recipients */
};

struct why_group {
	const char *reason; /* folded */
	uint64_t recipients, messages;
	const char *example_id, *example_recipient, *example_reason;
	uint64_t domain_count; /* different ones */
	struct why_domain domains[WHY_DOMAINS];
	unsigned domains_listed;
};

/* One message that is asked about. */
struct why_message {
	struct queue_id queue_id;
	enum queue_name queue;
};

/* Zero-initialise. */
struct why {
	struct why_group *list; /* the most frequent first */
	size_t count;
	uint64_t recipients; /* with a reason */
	uint64_t silent;     /* messages without one: not tried yet */
	uint64_t due;        /* deferred messages whose next try is due now */
	int64_t next, last;  /* when the first and the last of the others are tried; 0 = none */
	struct blob memory;
};

int why_read(const struct postfix *p, const struct why_message *messages, size_t count, int64_t now,
    struct why *ret, struct err *err) NODISCARD;
void why_release(struct why *why);

#endif
