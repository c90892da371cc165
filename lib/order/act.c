/* SPDX-License-Identifier: ISC */
/*
 * Chunks of messages, a few postsuper children side by side ("lanes"). Each chunk is proven right
 * before a postsuper gets it, and stands in the account on disk; whatever postsuper said, the chunk
 * is looked at again. One child proves and looks for a lane, and nobody waits for it but its lane.
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
#define POLL_MS     20                  /* also how long a lane without a descriptor waits */
#define WAIT_MS     20                  /* between looks at what is still arriving */
#define WAIT_TOTAL  (2 * USEC_PER_SEC)  /* for all of it together */
#define STOP_TIME   (10 * USEC_PER_SEC) /* for a chunk to end in order after ^C */

/*
 * A lane takes three steps in turn: a child looks at what the last postsuper did and proves what
 * the next is to act on; the account keeps it; postsuper acts on it.
 */
enum step { LANE_IDLE, LANE_LOOKING, LANE_KEEPING, LANE_WORKING };

struct lane {
	enum step step;
	struct spool_proving *look;
	struct postsuper_job job;
	struct queue_id ids[CHUNK_MAX]; /* what the job has */
	size_t at[2 * CHUNK_MAX]; /* positions of the items that the job has, then of the next */
	size_t had, next;         /* how many of each */
	uint32_t part;            /* what the account calls it */
	const struct postfix *layout; /* under which postsuper finds it */
	int64_t seen;                 /* steady; then the step was still under way */
};

/* The hash settings of main.cf, or others under which files lie on disk. */
struct layout {
	struct layout *next;
	unsigned queues, depth;
	struct postfix postfix;
};

/* Positions of items. */
struct list {
	size_t *at;
	size_t count;
};

struct work {
	struct run *run;
	const struct order *order;
	struct outcome *outcome;
	struct postfix settling; /* for looks: they end when it is too late for an orderly end */
	volatile sig_atomic_t hurry;
	int64_t stopped; /* steady; when that was first seen */
	struct layout *layouts;
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
		w->order->progress(
		    w->order->progress_arg, w->run->row->doing, w->settled, w->total);
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
	if (code == ERR_STOPPED)
		return; /* untouched */
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
	bool departs = w->run->row->leaves;
	struct err err = {{0}};
	int code;

	lane->seen = clock_steady();
	code = order_look_start(w->run, &w->settling, lane->at, lane->had + lane->next,
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

static void give_up_chunk(struct work *w, struct lane *lane, int code, const struct err *err)
{
	give_up(w, lane->at, lane->had, code, err);
	lane->had = 0;
	lane->step = LANE_IDLE;
}

static void begin_work(struct work *w, struct lane *lane)
{
	struct err err = {{0}};
	int code = postsuper_start(
	    &lane->job, lane->layout, w->run->row->postsuper, lane->ids, lane->had, &err);

	if (code < 0) {
		give_up_chunk(w, lane, code, &err);
		return;
	}
	lane->step = LANE_WORKING;
	w->begun = true;
}

/* ---- the account */

static struct account_entry entry_of(const struct work *w, const struct lane *lane, size_t n)
{
	return (struct account_entry){
	    lane->ids[n], w->outcome->items[lane->at[n]].proof.arrival_time};
}

/* Nothing is touched that does not stand in the account. */
static void begin_keeping(struct work *w, struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	struct err err = {{0}};
	int code = order_account_begin(w->run, &err);

	for (size_t n = 0; n < lane->had; n++)
		list[n] = entry_of(w, lane, n);
	if (code == 0)
		code = account_chunk(w->run->account, list, lane->had, &lane->part, &err);
	if (code < 0)
		give_up_chunk(w, lane, code, &err);
	else
		lane->step = LANE_KEEPING;
}

static struct lane *keeping_lane(struct work *w, uint32_t part)
{
	for (unsigned n = 0; n < w->lane_count; n++)
		if (w->lanes[n].step == LANE_KEEPING && w->lanes[n].part == part)
			return &w->lanes[n];
	return NULL;
}

static bool may_begin(const struct work *w);
static void look_again(struct work *w, struct lane *lane);

static void end_keeping(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (code < 0) {
		give_up_chunk(w, lane, code, err);
	} else if (!may_begin(w)) {
		lane->had = 0;
		lane->step = LANE_IDLE;
	} else if (clock_steady() - lane->seen > ORDER_PROOF_AGE) {
		look_again(w, lane);
	} else {
		begin_work(w, lane);
	}
}

/* Where the account's writer is gone, no lane gets further than here. */
static void take_kept(struct work *w)
{
	struct err err = {{0}};
	uint32_t part;
	int code = 0, got;

	while ((got = account_next(w->run->account, &part, &code, &err)) == 1) {
		struct lane *lane = keeping_lane(w, part);

		if (lane)
			end_keeping(w, lane, code, &err);
	}
	for (unsigned n = 0; got < 0 && n < w->lane_count; n++)
		if (w->lanes[n].step == LANE_KEEPING)
			end_keeping(w, &w->lanes[n], got, &err);
}

/* What was done of the job's messages. */
static void keep_done(struct work *w, const struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	size_t count = 0;

	for (size_t n = 0; n < lane->had; n++)
		if (w->outcome->items[lane->at[n]].result == RESULT_DONE)
			list[count++] = entry_of(w, lane, n);
	if (w->run->account && lane->had > 0)
		account_done(w->run->account, lane->part, count < lane->had ? list : NULL, count);
}

/* ---- layouts */

/* The instance with the hash settings under which postsuper finds what lies there. */
static const struct postfix *layout_of(struct work *w, const struct proof *proof, struct err *err)
{
	const struct postfix *p = w->order->postfix;
	struct layout *layout;
	unsigned queues, depth;

	queue_hashing(p, (enum queue_name)proof->queue, proof->depth, &queues, &depth);
	if (queues == p->hashed_queues && depth == p->hash_depth)
		return p;
	for (layout = w->layouts; layout; layout = layout->next)
		if (layout->queues == queues && layout->depth == depth)
			return &layout->postfix;
	layout = calloc(1, sizeof(*layout));
	if (!layout) {
		err_sys(err, ENOMEM, "failed to act on messages");
		return NULL;
	}
	if (postfix_with_layout(p, queues, depth, &layout->postfix, err) < 0) {
		free(layout);
		return NULL;
	}
	*layout = (struct layout){w->layouts, queues, depth, layout->postfix};
	w->layouts = layout;
	return &layout->postfix;
}

static void release_layouts(struct work *w)
{
	while (w->layouts) {
		struct layout *next = w->layouts->next;

		postfix_release(&w->layouts->postfix);
		free(w->layouts);
		w->layouts = next;
	}
}

/* What became of what the job had. */
static void settle(struct work *w, const struct lane *lane, const struct proof *after)
{
	const char *complaint = strbuf_text(&lane->job.complaint);
	size_t settled = 0;

	for (size_t n = 0; n < lane->had; n++) {
		size_t at = lane->at[n];
		bool last = ++w->tries[at] >= 2;

		if (order_settle(w->run->row, w->outcome, &w->outcome->items[at], &after[n],
			lane->job.said[n], last, complaint) == SETTLED)
			settled++;
		else
			w->later.at[w->later.count++] = at;
	}
	report(w, settled);
}

/* Of what comes next only that may be acted on, and lies where one postsuper finds it, becomes
 * what the next job has. */
static void judge(struct work *w, struct lane *lane, const size_t *at, const struct proof *proofs)
{
	size_t settled = 0;

	lane->had = 0;
	for (size_t n = 0; n < lane->next; n++) {
		struct item *item = &w->outcome->items[at[n]];
		const struct postfix *layout = NULL;
		struct err err = {{0}};

		order_judge(w->run, item, &proofs[n]);
		if (item->result == RESULT_READY && proofs[n].state != PROOF_ARRIVING) {
			layout = layout_of(w, &proofs[n], &err);
			if (!layout)
				order_fail(w->outcome, item, err.text);
		}
		if (item->result != RESULT_READY) {
			settled++;
		} else if (!layout || (lane->had > 0 && layout != lane->layout)) {
			w->later.at[w->later.count++] = at[n];
		} else {
			item->was_active = proofs[n].queue == QUEUE_ACTIVE;
			lane->layout = layout;
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
	int code = order_look_finish(w->run, lane->look, lane->at, had + lane->next, &proofs, &err);

	if (code < 0) {
		give_up_look(w, lane, code, &err);
		return;
	}
	settle(w, lane, proofs);
	keep_done(w, lane);
	end_job(lane);
	judge(w, lane, lane->at + had, proofs + had);
	free(proofs);
	if (lane->had == 0 || !may_begin(w))
		lane->had = 0;
	else if (clock_steady() - lane->seen > ORDER_PROOF_AGE)
		look_again(w, lane);
	else
		begin_keeping(w, lane);
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
	if (lane->step == LANE_WORKING)
		return lane->job.end;
	return lane->step == LANE_LOOKING ? spool_prove_fd(lane->look) : -1;
}

/* After ^C a chunk ends in order, but not for ever: a child may be stopped, or the disk hang. */
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

/* The account has its time, too. */
static void watch_keeping(struct work *w, struct lane *lane, int64_t now)
{
	struct err err = {{0}};
	int code = ERR_STOPPED;

	if (!w->hurry && now - lane->seen < ACCOUNT_PATIENCE)
		return;
	if (!w->hurry)
		code = err_set(&err, ERR_TIMEOUT, "the account could not be written in time");
	give_up_chunk(w, lane, code, &err);
}

/* Waits until a lane has ended its step, or a while, and lets it go on. */
static void attend(struct work *w)
{
	struct pollfd fds[LANES_MAX + 1];
	int64_t now = clock_steady();

	for (unsigned n = 0; n < w->lane_count; n++)
		fds[n] = (struct pollfd){lane_fd(&w->lanes[n]), POLLIN, 0};
	fds[w->lane_count] =
	    (struct pollfd){w->run->account ? account_fd(w->run->account) : -1, POLLIN, 0};
	if (poll(fds, w->lane_count + 1, POLL_MS) < 0)
		return;
	watch_stop(w, now);
	for (unsigned n = 0; n < w->lane_count; n++) {
		struct lane *lane = &w->lanes[n];
		bool ended = fds[n].revents != 0 || w->hurry;

		if (!ended && lane->step != LANE_KEEPING)
			lane->seen = now;
		/* postsuper is heard and bounded while it goes on, too. */
		if (lane->step == LANE_WORKING && postsuper_advance(&lane->job) == 1)
			begin_look(w, lane);
		else if (lane->step == LANE_LOOKING && ended)
			end_look(w, lane);
		else if (lane->step == LANE_KEEPING)
			watch_keeping(w, lane, now);
	}
	if (fds[w->lane_count].revents != 0)
		take_kept(w);
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

static void run_all(struct work *w)
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

	w->settling = *w->order->postfix;
	w->settling.stop = &w->hurry;
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
	release_layouts(w);
	free(w->lanes);
	free(w->now.at);
	free(w->later.at);
	free(w->tries);
}

int order_act(struct run *run, struct err *err)
{
	struct work w = {.run = run, .order = run->order, .outcome = run->outcome};

	if (run->order->save) {
		int code = order_prove(run, err);

		if (code == 0)
			code = order_save(run->order, run->outcome, err);
		if (code < 0)
			return code;
	}
	w.begun = run->account != NULL;
	w.code = work_init(&w);
	if (w.code == 0)
		run_all(&w);
	if (w.code < 0 && err)
		*err = w.err;
	work_release(&w);
	return w.code;
}
