/* SPDX-License-Identifier: ISC */
/* What lies in the queue and is not in the index. */
#include <errno.h>

#include "base/clock.h"
#include "order/inside.h"

/* IDs that the index does not know, and the state of each. */
struct unknown {
	struct queue_id *ids;
	size_t count;
};

/* Keeps those of u that the index does not know now. */
static int keep_unknown(const struct order *order, struct unknown *u, struct err *err)
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

/* Counts by state; those complete in a queue behind maildrop stay in u. */
static int keep_complete(
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
		code = keep_unknown(order, &u, &err);
	if (code == 0)
		code = keep_complete(order, &u, &counts, &err);
	if (code == 0)
		code = keep_unknown(order, &u, &err);
	if (code == 0) {
		outcome->tally.unindexed = u.count;
		outcome->tally.unindexed_maildrop = counts.unindexed_maildrop;
		outcome->tally.unindexed_arriving = counts.unindexed_arriving;
		outcome->tally.unindexed_known = true;
	} else if (code != ERR_TIMEOUT) {
		err_within(&err, code, "failed to count what the index does not know");
		order_trouble(outcome, &err);
	}
	free(u.ids);
}
