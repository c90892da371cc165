/* SPDX-License-Identifier: ISC */
/* Acts on chunks of messages, in lanes (lane.h). Each chunk is proven, and is in the account on
 * disk, right before a postsuper gets it. Whatever postsuper reports, we look at the chunk
 * again. */
#include "base/clock.h"
#include "order/lane.h"

#define AT_WORK_MAX 4000 /* in all lanes: the most deletions between a proof and its use */
#define CHUNK_MIN   50
#define LANES_MAX   64 /* the maximum of postsuper_jobs */
#define LANES_USUAL 8
#define POLL_MS     20                  /* also how long a lane without a descriptor waits */
#define WAIT_MS     20                  /* between two looks at messages that are still arriving */
#define WAIT_TOTAL  (2 * USEC_PER_SEC)  /* for all these looks together */
#define STOP_TIME   (10 * USEC_PER_SEC) /* in which a chunk may end in order after ^C */

/* postsuper mostly waits for disk and log. Four at a time use less processor time than eight, but
 * on a busy machine took 1.4 times as long. */
static unsigned count_lanes(const struct settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t wanted = settings->postsuper_jobs;

	if (wanted <= 0)
		wanted = processors > 1 ? LANES_USUAL : LANES_USUAL / 2;
	return wanted < LANES_MAX ? (unsigned)wanted : LANES_MAX;
}

/* Returns true if any lane is busy. */
static bool feed(struct work *w)
{
	bool busy = false;

	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];

		while (lane->step == LANE_IDLE && w->next < w->now.count && lane_may_begin(w))
			lane_begin_look(w, lane);
		busy |= lane->step != LANE_IDLE;
	}
	return busy;
}

/* Readable when the lane's step has ended. */
static int lane_fd(const struct lane *lane)
{
	if (lane->step == LANE_WORKING)
		return lane->job.end;
	return lane->step == LANE_LOOKING ? spool_prove_fd(lane->look) : -1;
}

/* After ^C a chunk gets STOP_TIME to end in order. A child may be stopped, or the disk may hang. */
static void watch_stop(struct work *w, int64_t now)
{
	if (!order_stopped(w->order))
		return;
	if (w->stopped == 0)
		w->stopped = now;
	if (now - w->stopped < STOP_TIME)
		return;
	w->hurry = 1;
	for (unsigned n = 0; n < w->lane_count; n++)
		if (w->lanes[n].step == LANE_WORKING)
			w->lanes[n].job.deadline = now;
}

/* Waits a while until some lane ends its step, and lets that lane go on. */
static void attend(struct work *w)
{
	struct pollfd fds[LANES_MAX + 1];
	int64_t now = clock_steady();

	for (unsigned n = 0; n < w->lane_count; n++)
		fds[n] = (struct pollfd){lane_fd(&w->lanes[n]), POLLIN, 0};
	fds[w->lane_count] =
	    (struct pollfd){w->run->writer ? writer_fd(w->run->writer) : -1, POLLIN, 0};
	if (poll(fds, w->lane_count + 1, POLL_MS) < 0)
		return;
	watch_stop(w, now);
	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];
		bool ended =
		    fds[n].revents != 0 || w->hurry || (order_stopped(w->order) && lane->had == 0);

		if (!ended && lane->step != LANE_KEEPING)
			lane->seen = now;
		if (lane->step == LANE_WORKING && postsuper_advance(&lane->job) == 1)
			lane_begin_look(w, lane);
		else if (lane->step == LANE_LOOKING && ended)
			lane_end_look(w, lane);
		else if (lane->step == LANE_KEEPING)
			lane_watch_keeping(w, lane, now);
	}
	if (fds[w->lane_count].revents != 0)
		lane_take_kept(w);
}

/* The fewest chunks that fit, all of one size, so that the lanes end together. */
static size_t chunk_size(size_t count, unsigned lanes)
{
	size_t most = AT_WORK_MAX / lanes < CHUNK_MAX ? AT_WORK_MAX / lanes : CHUNK_MAX;
	size_t chunks = (count + lanes * most - 1) / (lanes * most) * lanes;
	size_t size = chunks ? (count + chunks - 1) / chunks : 0;

	return size < CHUNK_MIN ? CHUNK_MIN : size;
}

static void run_round(struct work *w)
{
	w->next = 0;
	w->chunk = chunk_size(w->now.count, w->lane_count);
	while (feed(w))
		attend(w);
}

static void stop_waiting(struct work *w)
{
	for (size_t n = 0; n < w->later.count; n++) {
		size_t at = w->later.at[n];

		order_fail(w->outcome, &w->outcome->items[at],
		    w->tries[at] ? "postsuper did not see the message"
				 : "it is still being received");
	}
	lane_report(w, w->later.count);
	w->later.count = 0;
}

static void run_all(struct work *w)
{
	run_round(w);
	int64_t deadline = clock_steady() + WAIT_TOTAL;
	while (w->later.count > 0 && lane_may_begin(w)) {
		struct chosen swap = w->now;
		bool over = clock_steady() > deadline;

		poll(NULL, 0, WAIT_MS);
		w->now = w->later;
		w->later = swap;
		w->later.count = 0;
		w->repeats = true;
		w->advanced = false;
		run_round(w);
		if (w->advanced)
			deadline = clock_steady() + WAIT_TOTAL;
		else if (over && !order_stopped(w->order))
			stop_waiting(w);
	}
}

static int work_init(struct work *w)
{
	size_t room = w->outcome->count + 1;
	int code = order_choose(w->outcome, IS_OPEN | IS_READY, NULL, &w->now, &w->err);

	w->total = w->now.count;
	w->settling = *w->order->postfix;
	w->settling.stop = &w->hurry;
	w->lane_count = count_lanes(w->order->settings);
	w->lanes = calloc(w->lane_count, sizeof(*w->lanes));
	w->later.at = calloc(room, sizeof(*w->later.at));
	w->tries = calloc(room, sizeof(*w->tries));
	if (code < 0 || !w->lanes || !w->later.at || !w->tries)
		return err_sys(&w->err, ENOMEM, "failed to act on %zu messages", room);
	return 0;
}

static void work_release(struct work *w)
{
	for (struct layout *next; w->layouts; w->layouts = next) {
		next = w->layouts->next;
		postfix_release(&w->layouts->postfix);
		free(w->layouts);
	}
	free(w->lanes);
	chosen_release(&w->now);
	chosen_release(&w->later);
	free(w->tries);
}

int order_act(struct run *run, struct err *err)
{
	struct work w = {.run = run, .order = run->order, .outcome = run->outcome};
	int code = 0;

	if (run->order->save) {
		code = order_prove(run, err);
		code = code ?: order_save(run, err);
		if (code < 0)
			return code;
	}
	w.code = work_init(&w);
	if (w.code == 0)
		run_all(&w);
	if (w.code < 0 && err)
		*err = w.err;
	work_release(&w);
	return w.code;
}
