/* SPDX-License-Identifier: ISC */
/*
 * Third step: chunks of messages, a few postsuper children side by side ("lanes"). Each chunk is
 * proven right before a postsuper gets it; whatever that said, the chunk is looked at again. One
 * child does both for a lane, and nobody waits for it but its lane.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "order/inside.h"
#include "order/save.h"

#define CHUNK_MAX   500
#define AT_WORK_MAX 4000 /* in all lanes: a proof is never older than so many deletions */
#define CHUNK_MIN   50
#define LANES_MAX   64 /* as many as postsuper_jobs may ask for */
#define LANES_USUAL 8
#define POLL_MS     20                 /* also how long a lane without a descriptor waits */
#define WAIT_MS     20                 /* between looks at what is still arriving */
#define WAIT_TOTAL  (2 * USEC_PER_SEC) /* for all of it together */

/*
 * A lane takes two steps in turn: a child looks at what the last postsuper did and proves what the
 * next is to act on; postsuper acts on it.
 */
enum step { LANE_IDLE, LANE_LOOKING, LANE_WORKING };

struct lane {
	enum step step;
	struct spool_proving *look;
	struct postsuper_job job;
	struct queue_id ids[CHUNK_MAX]; /* what the job has */
	size_t at[2 * CHUNK_MAX]; /* positions of the items that the job has, then of the next */
	size_t had, next;         /* how many of each */
	int64_t seen;             /* steady; then the step was still under way */
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
 * postsuper mostly waits, for the disk and for the log. Four at once use less of the processors
 * than eight, but on a busy machine, where each wait is long, they took 1.4 times as long.
 */
static unsigned count_lanes(const struct settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t wanted = settings->postsuper_jobs;

	if (wanted <= 0)
		wanted = processors > 1 ? LANES_USUAL : LANES_USUAL / 2;
	return wanted < LANES_MAX ? (unsigned)wanted : LANES_MAX;
}

static void end_job(struct lane *lane)
{
	if (lane->had > 0)
		postsuper_release(&lane->job);
	lane->step = LANE_IDLE;
	lane->had = 0;
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

static bool may_begin(const struct work *w)
{
	return w->code == 0 && !order_stopped(w->order);
}

/* Adds the next chunk to what the lane has. */
static void take_next(struct work *w, struct lane *lane)
{
	size_t left = may_begin(w) ? w->now.count - w->next : 0;

	lane->next = left < w->chunk ? left : w->chunk;
	memcpy(lane->at + lane->had, w->now.at + w->next, lane->next * sizeof(*lane->at));
	w->next += lane->next;
}

/* Nobody can look at what the job did: its words are all that is known, and that is told. */
static void settle_by_words(
    struct work *w, const struct lane *lane, int code, const struct err *err)
{
	struct err told = *err;

	for (size_t n = 0; n < lane->had; n++) {
		struct item *item = &w->outcome->items[lane->at[n]];

		if (lane->job.said[n])
			item->result = RESULT_DONE;
		else
			order_fail(w->outcome, item, err->text);
	}
	report(w, lane->had);
	err_within(&told, code, "failed to look at what postsuper did");
	order_trouble(w->outcome, &told);
}

static void give_up_look(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (lane->had > 0)
		settle_by_words(w, lane, code, err);
	give_up(w, lane->at + lane->had, lane->next, code, err);
	end_job(lane);
}

static void start_look(struct work *w, struct lane *lane)
{
	bool departs = w->order->action == ACTION_DELETE;
	struct err err = {{0}};
	int code;

	lane->seen = clock_steady();
	code = order_look_start(w->order, w->outcome, lane->at, lane->had + lane->next,
	    departs ? lane->had : 0, &lane->look, &err);
	if (code == 0)
		lane->step = LANE_LOOKING;
	else
		give_up_look(w, lane, code, &err);
}

static void begin_look(struct work *w, struct lane *lane)
{
	take_next(w, lane);
	if (lane->had + lane->next > 0)
		start_look(w, lane);
}

/* What was proven waited for us, who were stopped, for too long. */
static void look_again(struct work *w, struct lane *lane)
{
	lane->next = lane->had;
	lane->had = 0;
	start_look(w, lane);
}

static void begin_work(struct work *w, struct lane *lane)
{
	struct err err = {{0}};
	int code = postsuper_start(
	    &lane->job, w->order->postfix, action_of(w->order), lane->ids, lane->had, &err);

	if (code < 0) {
		give_up(w, lane->at, lane->had, code, &err);
		lane->had = 0;
		return;
	}
	lane->step = LANE_WORKING;
	w->begun = true;
	/* The queue is counted beside the first deletion, not before it. */
	if (!w->order->scan && !w->order->bounces)
		order_count_begin(w->order, w->outcome);
}

/* What became of what the job had. */
static void settle(struct work *w, const struct lane *lane, const struct proof *after)
{
	const char *complaint = strbuf_text(&lane->job.complaint);
	size_t settled = 0;

	for (size_t n = 0; n < lane->had; n++) {
		size_t at = lane->at[n];
		bool last = ++w->tries[at] >= 2;

		if (order_settle(w->order, w->outcome, &w->outcome->items[at], &after[n],
			lane->job.said[n], last, complaint) == SETTLED)
			settled++;
		else
			w->later.at[w->later.count++] = at;
	}
	report(w, settled);
}

/* Of what comes next only that may be acted on becomes what the next job has. */
static void judge(struct work *w, struct lane *lane, const size_t *at, const struct proof *proofs)
{
	size_t settled = 0;

	lane->had = 0;
	for (size_t n = 0; n < lane->next; n++) {
		struct item *item = &w->outcome->items[at[n]];

		order_judge(w->order, w->outcome, item, &proofs[n]);
		if (item->result != RESULT_READY) {
			settled++;
		} else if (proofs[n].state == PROOF_ARRIVING) {
			w->later.at[w->later.count++] = at[n];
		} else {
			item->was_active = proofs[n].queue == QUEUE_ACTIVE;
			lane->ids[lane->had] = candidate_id(item->candidate);
			lane->at[lane->had++] = at[n];
		}
	}
	report(w, settled);
}

static void end_look(struct work *w, struct lane *lane)
{
	size_t had = lane->had;
	struct proof *proofs = NULL;
	struct err err = {{0}};
	int code = spool_prove_finish(lane->look, &proofs, &err);

	if (code < 0) {
		give_up_look(w, lane, code, &err);
		return;
	}
	settle(w, lane, proofs);
	end_job(lane);
	judge(w, lane, lane->at + had, proofs + had);
	free(proofs);
	if (lane->had == 0 || !may_begin(w))
		lane->had = 0;
	else if (clock_steady() - lane->seen > ORDER_PROOF_AGE)
		look_again(w, lane);
	else
		begin_work(w, lane);
}

/* Gives work to idle lanes; true if any lane is busy. */
static bool feed(struct work *w)
{
	bool busy = false;

	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];

		while (lane->step == LANE_IDLE && w->next < w->now.count && may_begin(w))
			begin_look(w, lane);
		busy |= lane->step != LANE_IDLE;
	}
	return busy;
}

/* Readable when the step that the lane is at has ended. */
static int lane_fd(const struct lane *lane)
{
	if (lane->step == LANE_IDLE)
		return -1;
	return lane->step == LANE_WORKING ? lane->job.end : spool_prove_fd(lane->look);
}

/* Waits until a lane has ended its step, or a while, and lets it go on. */
static void attend(struct work *w)
{
	struct pollfd fds[LANES_MAX];
	int64_t now = clock_steady();

	for (unsigned n = 0; n < w->lane_count; n++)
		fds[n] = (struct pollfd){lane_fd(&w->lanes[n]), POLLIN, 0};
	if (poll(fds, w->lane_count, POLL_MS) < 0)
		return;
	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];

		if (fds[n].revents == 0)
			lane->seen = now;
		/* postsuper is heard and bounded while it goes on, too. */
		if (lane->step == LANE_WORKING && postsuper_advance(&lane->job) == 1)
			begin_look(w, lane);
		else if (lane->step == LANE_LOOKING && fds[n].revents != 0)
			end_look(w, lane);
	}
}

/* As few chunks for each lane as the longest allows, all alike, so that the lanes end together. */
static size_t chunk_size(size_t count, unsigned lanes)
{
	size_t most = AT_WORK_MAX / lanes < CHUNK_MAX ? AT_WORK_MAX / lanes : CHUNK_MAX;
	size_t chunks = (count + lanes * most - 1) / (lanes * most) * lanes;
	size_t size = chunks ? (count + chunks - 1) / chunks : 0;

	return size < CHUNK_MIN ? CHUNK_MIN : size;
}

/* One round over `now`; what needs another stands in `later`. */
static void run_round(struct work *w)
{
	w->next = 0;
	w->chunk = chunk_size(w->now.count, w->lane_count);
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
	order_judge_changed(order, outcome);
	order_tally(outcome);
	work_release(&w);
	return w.code;
}
