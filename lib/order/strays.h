/* SPDX-License-Identifier: ISC */
/*
 * Where queue and index disagree: one walk over the queue's names, one pass over the index, and a
 * look at the files of the rows that were asked for. What sync and a scan are made of. Private to
 * lib/order.
 */
#ifndef PQPURGE_ORDER_STRAYS_H
#define PQPURGE_ORDER_STRAYS_H

#include "index/join.h"
#include "order/order.h"

struct strays {
	struct queue_id *names; /* all in the queue, each once, in order */
	size_t name_count;
	struct join join;
	/* For each of join.named that was handed out as JOIN_SHARE: its file is another message. */
	unsigned char *another;
	size_t another_count;
};

/* task: share, turn, notices and patience; names and the clock are filled in. Zero-initialise ret
 * and release it in every case. */
int strays_find(const struct order *order, struct join_task *task, struct strays *ret,
    struct err *err) NODISCARD;
void strays_release(struct strays *s);

#endif
