/* SPDX-License-Identifier: ISC */
/*
 * Numbers for machines: what status, the queue, the flood watch and the account tell, as metrics.
 * pqpurge-idx(8) lists them. What is not known is left out rather than 0: the daemon's counters
 * while it does not answer, the index's without an index, the queue's where it cannot be read.
 */
#pragma once

#include "order/account/sums.h"
#include "order/order.h"
#include "purge/metrics/exposition.h"
#include "purge/status/status.h"

#define METRICS_DOMAINS 10 /* sender domains that are named, those with the most mail */

struct metrics {
	const struct status *status;
	const struct outcome *queue; /* of a walk over all mail; NULL: it could not be read */
	const struct json *floods;   /* the open ones, as the daemon tells them; NULL: not known */
	const struct sums *sums;     /* of the account; NULL: it could not be read */
	int64_t now;                 /* wall */
};
/* 0 or -ENOMEM. */
int metrics_put(const struct metrics *m, struct exposition *to) NODISCARD;
