/* SPDX-License-Identifier: ISC */
/*
 * Several passes of one walk, put together into one outcome: what a later pass says of a message
 * counts, but what was done stays done (where its row is still in the index, the next pass finds it
 * gone), and what an interrupted pass did not reach stays as it was. One account is kept of the
 * whole.
 */
#ifndef PQPURGE_PURGE_SWEEP_H
#define PQPURGE_PURGE_SWEEP_H

#include "order/order.h"

#define SWEEP_PASSES_MAX 1000
#define SWEEP_TIME_MAX   (60 * INT64_C(1000000)) /* microseconds */

/* Zero-initialise. */
struct sweep {
	struct outcome whole;   /* its items point into passes */
	struct outcome *passes; /* owned */
	unsigned count;
	bool cut; /* a bound was reached before a pass found nothing */
};

/*
 * Selects and acts, again and again until a pass finds nothing (once, where `again` is false).
 * first, if not NULL, is a pass that has been selected and perhaps proven already; it is taken
 * over. An error of the first pass is returned, later ones become the whole's trouble.
 */
int sweep_run(struct sweep *sweep, const struct order *order, bool again, struct outcome *first,
    struct err *err) NODISCARD;
void sweep_release(struct sweep *sweep);

/* Adds one pass (taken over, also on failure). For tests. */
int sweep_add(struct sweep *sweep, struct outcome *pass) NODISCARD;

#endif
