/* SPDX-License-Identifier: ISC */
/* What lies in the queue and is not in the index. */
#include <errno.h>

#include "base/clock.h"
#include "order/inside.h"

#define UNSEEN_MAX  10000 /* files whose arrival is read */
#define UNSEEN_WAIT (5 * USEC_PER_SEC)

int order_keep_unknown(const struct order *order, struct unknown *u, struct err *err)
{
	uint32_t *at = NULL;
	size_t count = 0;
	int code;

	if (u->count == 0)
		return 0;
	code = index_unknown(order->settings->index_directory, u->ids, u->count, &at, &count, err);
	for (size_t n = 0; code == 0 && n < count; n++)
		u->ids[n] = u->ids[at[n]]; /* positions ascend */
	if (code == 0)
		u->count = count;
	free(at);
	return code;
}

int order_keep_complete(
    const struct order *order, struct unknown *u, struct tally *tally, struct err *err)
{
	struct proof *states = NULL;
	size_t kept = 0;
	int code = spool_states(order->postfix, u->ids, u->count, &states, err);

	for (size_t n = 0; code == 0 && n < u->count; n++) {
		if (states[n].state == PROOF_GONE)
			continue;
		if (states[n].queue == QUEUE_MAILDROP)
			tally->unindexed_maildrop++;
		else if (states[n].state == PROOF_ARRIVING)
			tally->unindexed_arriving++;
		else
			u->ids[kept++] = u->ids[n];
	}
	if (code == 0)
		u->count = kept;
	free(states);
	return code;
}

static int take_walk(
    const struct order *order, struct outcome *outcome, struct unknown *u, struct err *err)
{
	struct spool_walk *walk = outcome->walk;
	struct spool_name *names = NULL;
	int code;

	if (!walk && (code = spool_walk_start(order->postfix, &walk, err)) < 0)
		return code;
	outcome->walk = NULL;
	if (order->count_wait > 0)
		spool_walk_limit(walk, clock_steady() + order->count_wait);
	if ((code = spool_walk_finish(walk, &names, &u->count, err)) < 0)
		return code;
	u->ids = calloc(u->count ? u->count : 1, sizeof(*u->ids));
	if (!u->ids) {
		free(names);
		return err_sys(err, ENOMEM, "failed to keep %zu names", u->count);
	}
	for (size_t n = 0; n < u->count; n++)
		u->ids[n] = names[n].queue_id;
	free(names);
	return 0;
}

/* When those of u arrived: of all, or of as many as may be looked at, evenly spread, first and last
 * among them. What cannot be read stays unknown. */
static void look_at_unseen(
    const struct order *order, struct outcome *outcome, const struct unknown *u)
{
	size_t count = u->count < UNSEEN_MAX ? u->count : UNSEEN_MAX;
	int64_t wait = order->count_wait > 0 ? order->count_wait : UNSEEN_WAIT;
	struct queue_id *ids = calloc(count ? count : 1, sizeof(*ids));
	struct arrival *arrivals = NULL;

	for (size_t n = 0; ids && n < count; n++)
		ids[n] = u->ids[count > 1 ? n * (u->count - 1) / (count - 1) : 0];
	if (ids && count > 0 &&
	    arrival_read(order->postfix, ids, count, clock_steady() + wait, &arrivals, NULL) == 0) {
		free(outcome->unseen);
		outcome->unseen = arrivals;
		outcome->unseen_count = count;
	}
	free(ids);
}

/*
 * The index is asked twice: a row is on disk before its message becomes complete, so what is
 * unknown after it was seen complete is unknown for good. What this order deleted meanwhile is
 * known still, or gone.
 */
void order_count_unindexed(const struct order *order, struct outcome *outcome)
{
	struct tally counts = {0};
	struct unknown u = {0};
	struct err err = {{0}};
	int code = take_walk(order, outcome, &u, &err);

	if (code == 0)
		code = order_keep_unknown(order, &u, &err);
	if (code == 0)
		code = order_keep_complete(order, &u, &counts, &err);
	if (code == 0)
		code = order_keep_unknown(order, &u, &err);
	if (code == 0) {
		outcome->tally.unindexed = u.count;
		outcome->tally.unindexed_maildrop = counts.unindexed_maildrop;
		outcome->tally.unindexed_arriving = counts.unindexed_arriving;
		outcome->tally.unindexed_known = true;
		look_at_unseen(order, outcome, &u);
	} else if (code != ERR_TIMEOUT) {
		err_within(&err, code, "failed to count what the index does not know");
		order_trouble(outcome, &err);
	}
	free(u.ids);
}
