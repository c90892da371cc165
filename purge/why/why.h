/* SPDX-License-Identifier: ISC */
/*
 * Why messages wait: their defer logs, which is where `postqueue -j` has its delay_reason from,
 * read and grouped in a child that is mail_owner. Memory grows with the number of different
 * reasons.
 */
#ifndef PQPURGE_PURGE_WHY_H
#define PQPURGE_PURGE_WHY_H

#include "base/role.h"
#include "mail/selector.h"
#include "postfix/spool/queue.h"

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
	uint8_t depth;        /* of hashing where it lies */
	int64_t arrival_time; /* wall microseconds; 0 or less = unknown */
	bool null_sender;
};

/* Zero-initialise. */
struct why {
	struct why_group *list; /* the most frequent first */
	size_t count;
	uint64_t messages;      /* that were asked about */
	uint64_t recipients;    /* with a reason */
	uint64_t silent;        /* messages without one: not tried yet */
	uint64_t unread;        /* logs that could not be read */
	const char *why_unread; /* the first of them */
	uint64_t due;           /* deferred messages whose next try is due now */
	/* Arrival of the oldest, 0 = none: of those with a sender, and with the null sender, for
	 * which the patience is another. */
	int64_t oldest, oldest_null;
	int64_t next, last; /* when the first and the last of the others are tried; 0 = none */
	struct blob memory;
};

/* Of these messages. now: what "due" is counted to. Ends soon after *p->stop is set. */
int why_read(const struct postfix *p, const struct why_message *messages, size_t count, int64_t now,
    struct why *ret, struct err *err) NODISCARD;
void why_release(struct why *why); /* zeroes */

#endif
