/* SPDX-License-Identifier: ISC */
/*
 * Who fills the queue: the messages that lie in the queue now, grouped by what the index recorded
 * of them. Names come from one walk over the queue, records from one pass over the index; the two
 * are joined in the child that reads the index. It counts by name: nothing is proven here, for
 * nothing is done to a message.
 */
#ifndef PQPURGE_PURGE_TOP_H
#define PQPURGE_PURGE_TOP_H

#include "base/role.h"
#include "mail/selector.h"
#include "postfix/config/instance.h"

enum top_by { TOP_SENDER, TOP_FROM, TOP_RECIPIENT, TOP_LOGIN, TOP_CLIENT };

/*
 * Ages as qshape(1) has them: up to 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and more.
 */
#define TOP_AGES 10
unsigned top_age(int64_t usec); /* the column of an age */

struct top_group {
	const char *name; /* a domain, a login, an address; "<>" the null sender, "" none */
	uint64_t count, bytes;
	int64_t oldest, newest; /* wall microseconds */
	uint64_t ages[TOP_AGES];
};

/* Zero-initialise. */
struct top {
	struct top_group *list; /* the largest first; as many by count: by name */
	size_t count;
	uint64_t messages;  /* counted; a message can be in several groups, of from and recipient */
	uint64_t bytes;     /* of their queue files */
	uint64_t queued;    /* names in the queue */
	uint64_t unindexed; /* of these, what the index does not know */
	uint64_t damaged;   /* rows that could not be read */
	unsigned limits;    /* expressions that hit their match limit */
	struct blob memory;
};

/* Reads queue and index. now: what ages are counted to. Errors are spool_walk's and index_read's.
 */
int top_read(const char *directory, const struct postfix *p, const struct selector *selector,
    enum top_by by, int64_t now, struct top *ret, struct err *err) NODISCARD;
void top_release(struct top *top);

/* "sender", "from", ...: ERR_SYNTAX for another word. */
int top_by_of(const char *word, enum top_by *ret) NODISCARD;

#endif
