/* SPDX-License-Identifier: ISC */
/*
 * Files that are not a recorded message, or have none: does the selection mean them by what they
 * say of themselves? It decides what is told of them, never what is done.
 */
#ifndef PQPURGE_ORDER_MEANT_H
#define PQPURGE_ORDER_MEANT_H

#include "mail/selector.h"
#include "postfix/spool/spool.h"

enum meant {
	MEANT_UNKNOWN, /* gone, still arriving, unreadable, or an expression hit its match limit */
	MEANT_NOT,
	MEANT_YES,
};

/*
 * Reads in children, as mail_owner, the files under count IDs; looks has the queue of each.
 * ret[n] is what the whole selector says of the nth, with --recipient judged by all its recipients.
 */
int meant_find(const struct postfix *p, const struct selector *selector, const struct queue_id *ids,
    const struct proof *looks, size_t count, enum meant *ret, struct err *err) NODISCARD;

#endif
