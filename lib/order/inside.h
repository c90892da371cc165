/* SPDX-License-Identifier: ISC */
/* What the steps of the walk share. Private to lib/order. */
#ifndef PQPURGE_ORDER_INSIDE_H
#define PQPURGE_ORDER_INSIDE_H

#include "order/order.h"

/*
 * Microseconds that a proof may wait for us until postsuper gets it. It waits longer where we were
 * stopped (^Z), or wrote to a terminal that took nothing (^S): then it is made anew.
 */
#define ORDER_PROOF_AGE INT64_C(1000000)

static inline bool order_stopped(const struct order *order)
{
	return order->stop && *order->stop;
}

/* Looks at the items at these positions, in children: *ret is malloc'd, one proof for each. */
int order_look(const struct order *order, const struct outcome *outcome, const size_t *at,
    size_t count, struct proof **ret, struct err *err) NODISCARD;
/* The same in two steps; the second is spool_prove_finish. departed as for spool_prove_start. */
int order_look_start(const struct order *order, const struct outcome *outcome, const size_t *at,
    size_t count, size_t departed, struct spool_proving **ret, struct err *err) NODISCARD;

/* Makes RESULT_CHANGED RESULT_UNPROVEN where the selection's senders mean the message that is
 * there; what it could not read it tells. */
void order_judge_changed(const struct order *order, struct outcome *outcome);

/* Gives item the result that proof means before anything was done, and keeps proof in it. */
void order_judge(const struct order *order, struct outcome *outcome, struct item *item,
    const struct proof *proof);

/* The item failed; words are copied. */
void order_fail(struct outcome *outcome, struct item *item, const char *words);
/* It failed as a proof in PROOF_ERROR says. */
void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof);

/*
 * unsure.c: decides the items whose candidates are MATCHED_UNSURE, by their queue files: each is
 * RESULT_NONE and meant from here on, or RESULT_EXCLUDED. What could not be read is told.
 */
int order_decide_unsure(
    const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;
/* Tells of so many messages of which it is not known whether they are meant. */
void order_tell_unsure(struct outcome *outcome, uint64_t count);

/* Counts all results anew. */
void order_tally(struct outcome *outcome);

/* The first trouble is kept, later ones are added behind "; ", each once. */
void order_trouble(struct outcome *outcome, const struct err *err);

/* count.c: IDs that the index does not know. */
struct unknown {
	struct queue_id *ids;
	size_t count;
};
/* Keeps those of u that the index does not know now. */
int order_keep_unknown(const struct order *order, struct unknown *u, struct err *err) NODISCARD;
/* Counts by state (adds to tally); those complete in a queue behind maildrop stay in u. */
int order_keep_complete(
    const struct order *order, struct unknown *u, struct tally *tally, struct err *err) NODISCARD;

/* settle.c: what became of an item that was handed to postsuper. */
enum settled { SETTLED, SETTLE_AGAIN, SETTLE_WAIT };
/*
 * said = postsuper said that it did it; after = a look since then; last = there will be no other
 * try; complaint = its last warning or "". SETTLED: the item has its result. SETTLE_AGAIN: worth
 * another try. SETTLE_WAIT: still arriving.
 */
enum settled order_settle(const struct order *order, struct outcome *outcome, struct item *item,
    const struct proof *after, bool said, bool last, const char *complaint);

#endif
