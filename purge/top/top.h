/* SPDX-License-Identifier: ISC */
/*
 * Who fills the queue: the messages of a walk that lie in the queue, grouped. Where the queue file
 * was read it says sender and recipients; else what the milter saw. A pure function of the outcome.
 */
#ifndef PQPURGE_PURGE_TOP_H
#define PQPURGE_PURGE_TOP_H

#include "order/order.h"
#include "purge/tell/labels.h"

enum top_by { TOP_SENDER, TOP_FROM, TOP_RECIPIENT, TOP_LOGIN, TOP_CLIENT };

/* "sender", "from", ...: ERR_SYNTAX for another word. */
int top_by_of(const char *word, enum top_by *ret) NODISCARD;
const char *top_head(enum top_by by); /* "SENDER DOMAIN" */

/* Ages as qshape(1) has them: up to 5, 10, 20, 40, 80, 160, 320, 640, 1280 minutes, and more. */
#define TOP_AGES 10
unsigned top_age(int64_t usec); /* the column of an age */

struct top_group {
	const char *name; /* a domain, a login, an address; "<>" the null sender, "" none */
	uint64_t count, bytes;
	int64_t oldest, newest; /* wall microseconds */
	uint64_t ages[TOP_AGES];
	uint64_t last; /* the message that was counted last, from 1 */
};

/* Zero-initialise. */
struct top {
	struct top_group *list; /* the largest first; as many by count: by name */
	size_t count;
	uint64_t messages; /* counted; a message can be in several groups, of from and recipient */
	uint64_t bytes;    /* of these messages */
	struct labels names;
};

/* Groups what is READY. now: what ages are counted to. 0 or -ENOMEM; release ret in every case. */
int top_of(const struct outcome *outcome, enum top_by by, int64_t now, struct top *ret) NODISCARD;
/* The group of that name, or NULL. */
const struct top_group *top_find(const struct top *top, const char *name);
void top_release(struct top *top);

#endif
