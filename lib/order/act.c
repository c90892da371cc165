/* SPDX-License-Identifier: ISC */
/*
 * Third step: chunks of messages, a few postsuper children side by side ("lanes"). While they work
 * the next chunk is proven; a proof is never older than the chunk that it belongs to. Whatever a
 * child said, its chunk is looked at again.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "order/inside.h"
#include "order/save.h"

#define CHUNK_MAX   500
#define CHUNK_MIN   50
#define LANES_MAX   32
#define LANES_USUAL 8
#define POLL_MS     20                 /* also how long a lane without a descriptor waits */
#define WAIT_MS     20                 /* between looks at what is still arriving */
#define WAIT_TOTAL  (2 * USEC_PER_SEC) /* for all of it together */

/* One postsuper at work. */
struct lane {
	bool busy;
	struct postsuper_job job;
	struct queue_id ids[CHUNK_MAX];
	size_t at[CHUNK_MAX]; /* positions of the items */
	size_t count;
};

/* Positions of items. */
struct list {
	size_t *at;
	size_t count;
};

struct work {
	const struct order *order;
	struct outcome *outcome;
	struct lane *lanes;
	unsigned lane_count;
	size_t chunk;
	struct list now, later; /* this round's, and what needs another */
	size_t next;            /* of now */
	uint8_t *tries;         /* for each item */
	size_t settled, total;  /* for progress */
	bool begun;             /* a postsuper was started */
	int code;               /* the failure that stopped it all */
	struct err err;
};

static enum postsuper_action action_of(const struct order *order)
{
	switch (order->action) {
	case ACTION_HOLD:
		return POSTSUPER_HOLD;
	case ACTION_RELEASE:
		return order->requeue ? POSTSUPER_REQUEUE : POSTSUPER_RELEASE;
	case ACTION_DELETE:
	case ACTION_LIST:
		break;
	}
	return POSTSUPER_DELETE;
}

/*
 * postsuper mostly waits, for the file system's journal and for the log. On two processors eight at
 * once took 0.6 of the time of one.
 */
static unsigned count_lanes(const struct settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t wanted = settings->postsuper_jobs;

	if (wanted <= 0)
		wanted = processors > 1 ? LANES_USUAL : LANES_USUAL / 2;
	return wanted < LANES_MAX ? (unsigned)wanted : LANES_MAX;
}

static void report(struct work *w, size_t settled)
{
	w->settled += settled;
	if (w->order->progress)
		w->order->progress(w->order->progress_arg, w->settled, w->total);
}

/* A whole chunk cannot go on. Before anything was begun that is the order's failure, later the
 * chunk's. */
static void give_up(struct work *w, const size_t *at, size_t count, int code, const struct err *err)
{
	if (!w->begun) {
		w->code = code;
		w->err = *err;
		return;
	}
	for (size_t n = 0; n < count; n++)
		order_fail(w->outcome, &w->outcome->items[at[n]], err->text);
	report(w, count);
}

/* Takes the next chunk, proves it, and keeps in the lane what may be acted on. */
static void load(struct work *w, struct lane *lane)
{
	size_t count = w->now.count - w->next < w->chunk ? w->now.count - w->next : w->chunk;
	const size_t *at = w->now.at + w->next;
	struct proof *proofs = NULL;
	struct err err = {{0}};
	size_t settled = 0;
	int code;

	lane->count = 0;
	w->next += count;
	code = order_look(w->order, w->outcome, at, count, &proofs, &err);
	if (code < 0) {
		give_up(w, at, count, code, &err);
		return;
	}
	for (size_t n = 0; n < count; n++) {
		struct item *item = &w->outcome->items[at[n]];

		order_judge(w->order, w->outcome, item, &proofs[n]);
		if (item->result != RESULT_READY) {
			settled++;
		} else if (proofs[n].state == PROOF_ARRIVING) {
			w->later.at[w->later.count++] = at[n];
		} else {
			item->was_active = proofs[n].queue == QUEUE_ACTIVE;
			lane->at[lane->count] = at[n];
			lane->ids[lane->count++] = item->candidate->message.queue_id;
		}
	}
	free(proofs);
	report(w, settled);
}

static void start(struct work *w, struct lane *lane)
{
	struct err err = {{0}};
	int code = postsuper_start(
	    &lane->job, w->order->postfix, action_of(w->order), lane->ids, lane->count, &err);

	if (code < 0) {
		give_up(w, lane->at, lane->count, code, &err);
		return;
	}
	lane->busy = true;
	w->begun = true;
	/* The queue is counted beside the first deletion, not before it. */
	if (!w->order->scan && !w->order->bounces)
		order_count_begin(w->order, w->outcome);
}

/* Looks at the chunk of a lane whose postsuper ended. */
static void finish(struct work *w, struct lane *lane)
{
	const char *complaint = strbuf_text(&lane->job.complaint);
	struct proof *after = NULL;
	struct err err = {{0}};
	size_t settled = 0;
	int code = order_look(w->order, w->outcome, lane->at, lane->count, &after, &err);

	if (code < 0)
		give_up(w, lane->at, lane->count, code, &err);
	for (size_t n = 0; code == 0 && n < lane->count; n++) {
		size_t at = lane->at[n];
		bool last = ++w->tries[at] >= 2;

		if (order_settle(w->order, w->outcome, &w->outcome->items[at], &after[n],
			lane->job.said[n], last, complaint) == SETTLED)
			settled++;
		else
			w->later.at[w->later.count++] = at;
	}
	free(after);
	postsuper_release(&lane->job);
	lane->busy = false;
	report(w, settled);
}

/* Gives work to idle lanes; true if any lane is busy. */
static bool feed(struct work *w)
{
	bool busy = false;

	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];

		while (!lane->busy && w->next < w->now.count && w->code == 0 &&
		       !order_stopped(w->order)) {
			load(w, lane);
			if (lane->count > 0)
				start(w, lane);
		}
		busy |= lane->busy;
	}
	return busy;
}

/* Waits until a busy lane has ended, or a while, and hears it. */
static void attend(struct work *w)
{
	struct pollfd fds[LANES_MAX];

	for (unsigned n = 0; n < w->lane_count; n++)
		fds[n] = (struct pollfd){w->lanes[n].busy ? w->lanes[n].job.end : -1, POLLIN, 0};
	if (poll(fds, w->lane_count, POLL_MS) < 0 && errno != EINTR)
		return;
	for (unsigned n = 0; n < w->lane_count; n++)
		if (w->lanes[n].busy && postsuper_advance(&w->lanes[n].job) == 1)
			finish(w, &w->lanes[n]);
}

/* One round over `now`; what needs another stands in `later`. */
static void run_round(struct work *w)
{
	size_t share = w->now.count / w->lane_count + 1;

	w->next = 0;
	w->chunk = share < CHUNK_MIN ? CHUNK_MIN : share > CHUNK_MAX ? CHUNK_MAX : share;
	while (feed(w))
		attend(w);
}

/* What could not be acted on when the time is over. */
static void stop_waiting(struct work *w)
{
	for (size_t n = 0; n < w->later.count; n++) {
		size_t at = w->later.at[n];

		order_fail(w->outcome, &w->outcome->items[at],
		    w->tries[at] ? "postsuper did not see it" : "it is still being received");
	}
	report(w, w->later.count);
	w->later.count = 0;
}

static void run(struct work *w)
{
	int64_t deadline;

	run_round(w);
	deadline = clock_steady() + WAIT_TOTAL;
	while (w->later.count > 0 && w->code == 0 && !order_stopped(w->order)) {
		struct list swap = w->now;
		bool over = clock_steady() > deadline;

		poll(NULL, 0, WAIT_MS);
		w->now = w->later;
		w->later = swap;
		w->later.count = 0;
		run_round(w);
		if (over && !order_stopped(w->order))
			stop_waiting(w);
	}
}

static int work_init(struct work *w)
{
	size_t room = w->outcome->count ? w->outcome->count : 1;

	w->lane_count = count_lanes(w->order->settings);
	w->lanes = calloc(w->lane_count, sizeof(*w->lanes));
	w->now.at = calloc(room, sizeof(*w->now.at));
	w->later.at = calloc(room, sizeof(*w->later.at));
	w->tries = calloc(room, sizeof(*w->tries));
	if (!w->lanes || !w->now.at || !w->later.at || !w->tries)
		return err_sys(&w->err, ENOMEM, "failed to act on %zu messages", w->outcome->count);
	for (size_t n = 0; n < w->outcome->count; n++)
		if (w->outcome->items[n].result == RESULT_NONE ||
		    w->outcome->items[n].result == RESULT_READY)
			w->now.at[w->now.count++] = n;
	w->total = w->now.count;
	return 0;
}

static void work_release(struct work *w)
{
	free(w->lanes);
	free(w->now.at);
	free(w->later.at);
	free(w->tries);
}

int order_act(const struct order *order, struct outcome *outcome, struct err *err)
{
	struct work w = {.order = order, .outcome = outcome};

	if (order->dry_run || order->action == ACTION_LIST || order->save) {
		int code = order_prove(order, outcome, err);

		if (code == 0 && order->save && !order->dry_run)
			code = order_save(order, outcome, err);
		if (code < 0 || order->dry_run || order->action == ACTION_LIST)
			return code;
	}
	w.code = work_init(&w);
	if (w.code == 0)
		run(&w);
	if (w.code == 0)
		order_leave(outcome);
	else if (err)
		*err = w.err;
	order_tally(outcome);
	work_release(&w);
	return w.code;
}
