/* SPDX-License-Identifier: ISC */
/* The status, the queue, the flood watch and the account as metrics, which pqpurge-idx(8) lists.
 * Unknown numbers are left out, not 0: the daemon's counters while it does not answer, the index's
 * without an index, the queue's if it cannot be read. */
#pragma once

#include "order/account/sums.h"
#include "order/order.h"
#include "purge/metrics/exposition.h"
#include "purge/status/status.h"

#define METRICS_DOMAINS 10 /* sender domains */

struct metrics {
	const struct status *status;
	const struct outcome *queue; /* a walk over all mail; NULL: it could not be read */
	const struct json *floods;   /* the open ones; NULL: unknown */
	const struct sums *sums;     /* NULL: the account could not be read */
	int64_t now;                 /* wall */
};
/* 0 or -ENOMEM. */
int metrics_put(const struct metrics *m, struct exposition *to) NODISCARD;
