/* SPDX-License-Identifier: ISC */
#include "order/lane.h"

#include "base/clock.h"

#define TRIES_MAX 2

void lane_report(struct work *w, size_t settled)
{
	w->settled += settled;
	order_show(w->order, w->run->row->doing, w->settled, w->total);
}

bool lane_may_begin(const struct work *w)
{
	return w->code == 0 && !order_stopped(w->order);
}

static struct item *item_of(const struct work *w, const struct lane *lane, size_t n)
{
	return &w->outcome->items[lane->at[n]];
}

static void make_idle(struct lane *lane)
{
	lane->step = LANE_IDLE;
	lane->had = lane->kept = 0;
}

/* If nothing was touched yet, the order fails; later only the chunk. If stopped, the chunk stays
 * untouched. */
static void give_up(
    struct work *w, struct lane *lane, size_t begin, size_t end, int code, const struct err *err)
{
	if (!w->run->touched) {
		w->code = code;
		w->err = *err;
	} else if (code != ERR_STOPPED) {
		for (size_t n = begin; n < end; n++)
			order_fail(w->outcome, item_of(w, lane, n), err->text);
		lane_report(w, end - begin);
	}
	make_idle(lane);
}

/* The look failed: believes postsuper's words, fails the other items, and reports trouble. */
static void settle_by_words(
    struct work *w, const struct lane *lane, int code, const struct err *err)
{
	struct err told = *err;

	for (size_t n = 0; n < lane->had; n++) {
		struct item *item = item_of(w, lane, n);

		if (lane->job.said[n])
			item->result = RESULT_DONE;
		else
			order_fail(w->outcome, item, err->text);
	}
	lane_report(w, lane->had);
	err_within(&told, code, "failed to look at what postsuper did");
	order_trouble(w->outcome, &told);
}

static struct account_entry entry_of(const struct work *w, const struct lane *lane, size_t n)
{
	return (struct account_entry){lane->ids[n], item_of(w, lane, n)->proof.arrival_time};
}

static void end_job(struct work *w, struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	size_t count = 0;

	if (lane->had == 0)
		return;
	for (size_t n = 0; n < lane->had; n++)
		if (item_of(w, lane, n)->result == RESULT_DONE)
			list[count++] = entry_of(w, lane, n);
	if (w->run->writer)
		writer_done(w->run->writer, lane->part, count < lane->kept ? list : NULL, count);
	lane->kept = 0;
	postsuper_release(&lane->job);
}

static void give_up_look(struct work *w, struct lane *lane, int code, const struct err *err)
{
	size_t had = lane->had;

	if (had > 0)
		settle_by_words(w, lane, code, err);
	end_job(w, lane);
	give_up(w, lane, had, had + lane->next, code, err);
}

/* After ^C, a look at what postsuper did may finish, but a look at the next chunk ends at once. */
static void start_look(struct work *w, struct lane *lane)
{
	const struct postfix *p = lane->had > 0 ? &w->settling : &w->run->looking;
	struct err err = {{0}};

	lane->seen = clock_steady();
	int code = order_look_start(w->run, p, lane->at, lane->had + lane->next,
	    w->run->row->leaves ? lane->had : 0, &lane->look, &err);
	if (code == 0)
		lane->step = LANE_LOOKING;
	else
		give_up_look(w, lane, code, &err);
}

void lane_begin_look(struct work *w, struct lane *lane)
{
	size_t left = lane_may_begin(w) ? w->now.count - w->next : 0;

	lane->again = 0;
	lane->next = left < w->chunk ? left : w->chunk;
	memcpy(lane->at + lane->had, w->now.at + w->next, lane->next * sizeof(*lane->at));
	w->next += lane->next;
	if (lane->had + lane->next > 0)
		start_look(w, lane);
}

static bool is_too_old(const struct lane *lane)
{
	int64_t now = clock_steady();

	return now - lane->seen > ORDER_PROOF_AGE ||
	       (now - lane->proven > ORDER_PROOF_AGE && lane->again < ORDER_PROOF_AGAIN);
}

static void go_on(struct work *w, struct lane *lane, void (*step)(struct work *w, struct lane *l))
{
	if (lane->had == 0 || !lane_may_begin(w)) {
		make_idle(lane);
	} else if (is_too_old(lane)) {
		lane->again++;
		lane->next = lane->had;
		lane->had = 0;
		start_look(w, lane);
	} else {
		step(w, lane);
	}
}

/* The queue where all the job's items were proven, if mail rests there or the order is about that
 * queue alone; else 0, for all. Asked
 * about one queue, postsuper is quicker, and can only take what it could take anyway. An item that
 * has moved comes again in the next round, which asks about all. */
static enum queue_name only_queue(const struct work *w, const struct lane *lane)
{
	if (order_queue(w->run))
		return order_queue(w->run);
	bool rests = lane->queues == QUEUE_DEFERRED || lane->queues == QUEUE_HOLD;
	bool deletes = w->run->row->postsuper == POSTSUPER_DELETE;

	return rests && deletes && !w->repeats ? (enum queue_name)lane->queues : 0;
}

static void begin_work(struct work *w, struct lane *lane)
{
	struct err err = {{0}};
	int code = postsuper_start(&lane->job, lane->layout, w->run->row->postsuper,
	    only_queue(w, lane), lane->ids, lane->had, &err);

	if (code < 0) {
		give_up(w, lane, 0, lane->had, code, &err);
		return;
	}
	lane->step = LANE_WORKING;
	w->run->touched = true;
}

/* Goes on without an account, because the flood may have filled the disk. */
static void end_keeping(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (code == ERR_STOPPED) {
		give_up(w, lane, 0, lane->had, code, err);
		return;
	}
	if (code < 0)
		order_account_lose(w->run, code, err);
	go_on(w, lane, begin_work);
}

static void begin_keeping(struct work *w, struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	struct err err = {{0}};
	int code = w->run->unaccounted ? 0 : order_account_begin(w->run, &err);

	for (size_t n = 0; n < lane->had; n++)
		list[n] = entry_of(w, lane, n);
	if (code == 0 && !w->run->unaccounted)
		code = writer_chunk(w->run->writer, list, lane->had, &lane->part, &err);
	lane->kept = lane->had;
	if (code == 0 && !w->run->unaccounted)
		lane->step = LANE_KEEPING;
	else
		end_keeping(w, lane, code, &err);
}

void lane_take_kept(struct work *w)
{
	struct err err = {{0}};
	uint32_t part = 0;
	int code = 0, got = 1;

	while (w->run->writer && got == 1) {
		got = writer_next(w->run->writer, &part, &code, &err);
		for (unsigned n = 0; got != 0 && n < w->lane_count; n++) {
			struct lane *lane = &w->lanes[n];

			if (lane->step == LANE_KEEPING && (got < 0 || lane->part == part))
				end_keeping(w, lane, got < 0 ? got : code, &err);
		}
	}
}

void lane_watch_keeping(struct work *w, struct lane *lane, int64_t now)
{
	struct err err = {{0}};
	int code = 0;

	if (order_stopped(w->order))
		code = ERR_STOPPED;
	else if (!w->run->unaccounted && now - lane->seen < ACCOUNT_PATIENCE)
		return;
	else if (!w->run->unaccounted)
		code = err_set(&err, ERR_TIMEOUT, "it could not be written in time");
	end_keeping(w, lane, code, &err);
}

static const struct postfix *layout_of(struct work *w, const struct proof *proof, struct err *err)
{
	const struct postfix *p = w->order->postfix;
	struct layout *layout;
	unsigned queues, depth;

	queue_hashing(p, (enum queue_name)proof->queue, proof->depth, &queues, &depth);
	if (queues == p->hashed_queues && depth == p->hash_depth)
		return p;
	for (layout = w->layouts; layout; layout = layout->next)
		if (layout->postfix.hashed_queues == queues && layout->postfix.hash_depth == depth)
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
	layout->next = w->layouts;
	w->layouts = layout;
	return &layout->postfix;
}

/* If a postsuper did some items and then died, as when it cannot write a log, the others do not
 * lose a try. Nor do items that it did not find in the one queue where it looked. */
static void settle(struct work *w, const struct lane *lane, const struct proof *after)
{
	const char *complaint = strbuf_text(&lane->job.complaint);
	bool elsewhere = lane->job.queue != 0 && lane->job.exit_status == 0 && !w->repeats;
	size_t settled = 0, said = 0;

	for (size_t n = 0; n < lane->had; n++)
		said += lane->job.said[n];
	w->advanced |= said > 0;
	for (size_t n = 0; n < lane->had; n++) {
		bool last = said == 0 && !elsewhere && ++w->tries[lane->at[n]] >= TRIES_MAX;

		if (order_settle(w->run->row, w->outcome, item_of(w, lane, n), &after[n],
			lane->job.said[n], last, complaint) == SETTLED)
			settled++;
		else
			w->later.at[w->later.count++] = lane->at[n];
	}
	lane_report(w, settled);
}

/* Whether the lane's next job takes the item: one postsuper must find all its items in one layout.
 * An item that is not taken comes later, or has its result. */
static bool admit(struct work *w, struct lane *lane, size_t at, const struct proof *proof)
{
	struct item *item = &w->outcome->items[at];
	const struct postfix *layout = NULL;
	struct err err = {{0}};

	order_judge(w->run, item, proof);
	if (item->result != RESULT_READY)
		return false;
	if (proof->state != PROOF_ARRIVING)
		layout = layout_of(w, proof, &err);
	if (err.text[0]) {
		order_fail(w->outcome, item, err.text);
		return false;
	}
	if (!layout || (lane->had > 0 && layout != lane->layout)) {
		w->later.at[w->later.count++] = at;
		return false;
	}
	lane->layout = layout;
	return true;
}

static void judge(struct work *w, struct lane *lane, const size_t *at, const struct proof *proofs)
{
	size_t settled = 0;

	lane->had = lane->queues = 0;
	for (size_t n = 0; n < lane->next; n++) {
		struct item *item = &w->outcome->items[at[n]];

		if (admit(w, lane, at[n], &proofs[n])) {
			item->was_active = proofs[n].queue == QUEUE_ACTIVE;
			lane->queues |= proofs[n].queue;
			lane->ids[lane->had] = candidate_id(item->candidate);
			lane->at[lane->had++] = at[n];
		}
		settled += item->result != RESULT_READY;
	}
	lane_report(w, settled);
}

void lane_end_look(struct work *w, struct lane *lane)
{
	size_t had = lane->had;
	struct proof *proofs = NULL;
	struct err err = {{0}};
	int code = order_look_finish(
	    w->run, lane->look, lane->at, had + lane->next, &proofs, &lane->proven, &err);

	if (code < 0) {
		give_up_look(w, lane, code, &err);
		return;
	}
	settle(w, lane, proofs);
	end_job(w, lane);
	judge(w, lane, lane->at + had, proofs + had);
	free(proofs);
	/* Messages that the account has stay there while they are looked at again. */
	go_on(w, lane, lane->kept > 0 ? begin_work : begin_keeping);
}
