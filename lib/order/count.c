/* SPDX-License-Identifier: ISC */
/* What lies in the queue and is not in the index. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
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

static int take_names(const struct order *order, struct unknown *u, struct err *err)
{
	struct spool_walk *walk = NULL;
	struct spool_name *names = NULL;
	int code = spool_walk_start(order->postfix, &walk, err);

	if (code == 0)
		code = spool_walk_finish(walk, &names, &u->count, err);
	if (code < 0)
		return code;
	u->ids = calloc(u->count ? u->count : 1, sizeof(*u->ids));
	for (size_t n = 0; u->ids && n < u->count; n++)
		u->ids[n] = names[n].queue_id;
	free(names);
	return u->ids ? 0 : err_sys(err, ENOMEM, "failed to keep %zu names", u->count);
}

/* When those of u arrived: of all, or of as many as may be looked at, evenly spread, first and last
 * among them. What cannot be read stays unknown. */
static void put_arrivals(const struct order *order, const struct unknown *u, struct bytes *out)
{
	size_t count = u->count < UNSEEN_MAX ? u->count : UNSEEN_MAX;
	struct queue_id *ids = calloc(count ? count : 1, sizeof(*ids));
	struct arrival *arrivals = NULL;

	for (size_t n = 0; ids && n < count; n++)
		ids[n] = u->ids[count > 1 ? n * (u->count - 1) / (count - 1) : 0];
	if (ids && count > 0 &&
	    arrival_read(
		order->postfix, ids, count, clock_steady() + UNSEEN_WAIT, &arrivals, NULL) == 0)
		bytes_put(out, arrivals, count * sizeof(*arrivals));
	free(arrivals);
	free(ids);
}

/*
 * In a child that reads nothing itself; its own children do. The index is asked twice: a row is on
 * disk before its message becomes complete, so what is unknown after it was seen complete is
 * unknown for good. What is deleted meanwhile is known still, or gone.
 */
static int count(void *arg, struct bytes *out, struct err *err)
{
	const struct order *order = arg;
	struct tally tally = {0};
	struct unknown u = {0};
	int code = take_names(order, &u, err);

	if (code == 0)
		code = order_keep_unknown(order, &u, err);
	if (code == 0)
		code = order_keep_complete(order, &u, &tally, err);
	if (code == 0)
		code = order_keep_unknown(order, &u, err);
	if (code == 0) {
		bytes_put_u64(out, u.count);
		bytes_put_u64(out, tally.unindexed_maildrop);
		bytes_put_u64(out, tally.unindexed_arriving);
		put_arrivals(order, &u, out);
	}
	free(u.ids);
	return code;
}

static int take(struct outcome *outcome, const struct blob *blob, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	struct tally *t = &outcome->tally;
	uint64_t unindexed = reader_u64(&r), maildrop = reader_u64(&r), arriving = reader_u64(&r);
	size_t left = r.failed ? 0 : (size_t)(r.end - r.at);
	struct arrival *unseen = calloc(1, left + 1);

	if (r.failed || left % sizeof(*unseen) != 0 || !unseen) {
		free(unseen);
		return err_set(err, ERR_CHILD, "the count broke off");
	}
	memcpy(unseen, r.at, left);
	free(outcome->unseen);
	outcome->unseen = unseen;
	outcome->unseen_count = left / sizeof(*unseen);
	t->unindexed = unindexed;
	t->unindexed_maildrop = maildrop;
	t->unindexed_arriving = arriving;
	t->unindexed_known = true;
	t->unindexed_as_of = 0;
	return 0;
}

static int begin(const struct order *order, struct outcome *outcome, struct err *err)
{
	struct role self = {.uid = geteuid(), .gid = getegid(), .name = "the caller"};

	if (outcome->counting.pid > 0)
		return 0;
	return role_start(&outcome->counting, &self, count, (void *)(uintptr_t)order, err);
}

void order_count_begin(const struct order *order, struct outcome *outcome)
{
	/* Where that fails, order_count_unindexed tries again and tells. */
	(void)!begin(order, outcome, NULL);
}

void order_count_end(struct outcome *outcome)
{
	struct blob ignored = {0};

	if (outcome->counting.pid > 0 && role_finish(&outcome->counting, 0, &ignored, NULL) == 0)
		blob_release(&ignored);
}

bool order_count_unindexed(const struct order *order, struct outcome *outcome, int64_t wait)
{
	struct blob blob = {0};
	struct err err = {{0}};
	int code = begin(order, outcome, &err);

	if (code == 0 && wait > 0 &&
	    io_wait(outcome->counting.done, POLLIN, clock_steady() + wait) == 0)
		return false;
	if (code == 0)
		code = role_finish(&outcome->counting, INT64_MAX, &blob, &err);
	if (code == 0)
		code = take(outcome, &blob, &err);
	blob_release(&blob);
	if (code < 0) {
		err_within(&err, code, "failed to count what the index does not know");
		order_trouble(outcome, &err);
	}
	return true;
}
