/* SPDX-License-Identifier: ISC */
/*
 * Bringing the index in line with the queue. A row is dropped only where its message left: no name
 * stood for it, and two lstat looks in all queues in flow order found no file; or where its file
 * was proven to be another message. The writer applies that in slices between its batches.
 */
#ifndef PQPURGE_ORDER_SYNC_H
#define PQPURGE_ORDER_SYNC_H

#include "order/order.h"

struct sync {
	const struct settings *settings;
	const struct postfix *postfix;
	bool add;     /* also record what the index has not seen */
	bool prove;   /* look at the file of every row, not of a share */
	bool dry_run; /* count, change nothing */

	/* Results. On a dry run dropped and added are what would be. */
	uint64_t queued;  /* names in the queue */
	uint64_t rows;    /* of the index, before */
	uint64_t dropped; /* rows; `replaced` of them because the file is another message */
	uint64_t replaced;
	uint64_t unindexed; /* complete messages that the index does not know, before adding */
	uint64_t unindexed_maildrop, unindexed_arriving;
	uint64_t added;
	uint64_t unreadable; /* queue files that could not be read as messages */
	uint64_t damaged;    /* rows that could not be read */
	bool by_daemon;
};

int sync_run(struct sync *sync, struct err *err) NODISCARD;

#endif
