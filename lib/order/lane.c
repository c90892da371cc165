/* SPDX-License-Identifier: ISC */
/* The steps of a lane. */
#include "order/lane.h"

#include <errno.h>

#include "base/clock.h"

#define TRIES_MAX 2

static void end_job(struct lane *lane)
{
	if (lane->had > 0)
		postsuper_release(&lane->job);
	lane->step = LANE_IDLE;
	lane->had = 0;
}

void lane_report(struct work *w, size_t settled)
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
	if (!w->run->touched) {
		w->code = code;
		w->err = *err;
		return;
	}
	if (code == ERR_STOPPED)
		return; /* untouched */
	for (size_t n = 0; n < count; n++)
		order_fail(w->outcome, &w->outcome->items[at[n]], err->text);
	lane_report(w, count);
}

bool lane_may_begin(const struct work *w)
{
	return w->code == 0 && !order_stopped(w->order);
}

/* Adds the next chunk to what the lane has. */
static void take_next(struct work *w, struct lane *lane)
{
	size_t left = lane_may_begin(w) ? w->now.count - w->next : 0;

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
	lane_report(w, lane->had);
	err_within(&told, code, "failed to look at what postsuper did");
	order_trouble(w->outcome, &told);
}

static struct account_entry entry_of(const struct work *w, const struct lane *lane, size_t n)
{
	return (struct account_entry){
	    lane->ids[n], w->outcome->items[lane->at[n]].proof.arrival_time};
}

/* What was done of the job's messages. */
static void keep_done(struct work *w, const struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	size_t count = 0;

	for (size_t n = 0; n < lane->had; n++)
		if (w->outcome->items[lane->at[n]].result == RESULT_DONE)
			list[count++] = entry_of(w, lane, n);
	if (w->run->writer && lane->had > 0)
		writer_done(w->run->writer, lane->part, count < lane->had ? list : NULL, count);
}

static void give_up_look(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (lane->had > 0)
		settle_by_words(w, lane, code, err);
	keep_done(w, lane);
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

void lane_begin_look(struct work *w, struct lane *lane)
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
	w->run->touched = true;
}

/* ---- the account */

/* Unless the proof has waited for too long, or it is to stop. */
static void go_on(struct work *w, struct lane *lane)
{
	if (!lane_may_begin(w)) {
		lane->had = 0;
		lane->step = LANE_IDLE;
	} else if (clock_steady() - lane->seen > ORDER_PROOF_AGE) {
		look_again(w, lane);
	} else {
		begin_work(w, lane);
	}
}

/* The flood may have filled the disk that the account lies on: a purge must end it all the same. */
static void go_on_unaccounted(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (code < 0)
		order_account_lose(w->run, code, err);
	go_on(w, lane);
}

/* What is touched stands in the account first, as long as that can be written. */
static void begin_keeping(struct work *w, struct lane *lane)
{
	struct account_entry list[CHUNK_MAX];
	struct err err = {{0}};
	int code = w->run->unaccounted ? 0 : order_account_begin(w->run, &err);

	for (size_t n = 0; n < lane->had; n++)
		list[n] = entry_of(w, lane, n);
	if (code == 0 && !w->run->unaccounted)
		code = writer_chunk(w->run->writer, list, lane->had, &lane->part, &err);
	if (code == ERR_STOPPED)
		give_up_chunk(w, lane, code, &err);
	else if (code < 0 || w->run->unaccounted)
		go_on_unaccounted(w, lane, code, &err);
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

static void end_keeping(struct work *w, struct lane *lane, int code, const struct err *err)
{
	if (code == ERR_STOPPED)
		give_up_chunk(w, lane, code, err);
	else if (code < 0)
		go_on_unaccounted(w, lane, code, err);
	else
		go_on(w, lane);
}

void lane_take_kept(struct work *w)
{
	struct err err = {{0}};
	uint32_t part;
	int code = 0, got = 0;

	while (w->run->writer && (got = writer_next(w->run->writer, &part, &code, &err)) == 1) {
		struct lane *lane = keeping_lane(w, part);

		if (lane)
			end_keeping(w, lane, code, &err);
	}
	for (unsigned n = 0; got < 0 && n < w->lane_count; n++)
		if (w->lanes[n].step == LANE_KEEPING)
			end_keeping(w, &w->lanes[n], got, &err);
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

void lane_release_layouts(struct work *w)
{
	while (w->layouts) {
		struct layout *next = w->layouts->next;

		postfix_release(&w->layouts->postfix);
		free(w->layouts);
		w->layouts = next;
	}
}

/* ---- looks */

/*
 * What became of what the job had. A postsuper that did some and then died, as it does where it can
 * write no log, counts as no try for the others.
 */
static void settle(struct work *w, const struct lane *lane, const struct proof *after)
{
	const char *complaint = strbuf_text(&lane->job.complaint);
	size_t settled = 0, said = 0;

	for (size_t n = 0; n < lane->had; n++)
		said += lane->job.said[n];
	w->advanced |= said > 0;
	for (size_t n = 0; n < lane->had; n++) {
		size_t at = lane->at[n];
		bool last = said == 0 && ++w->tries[at] >= TRIES_MAX;

		if (order_settle(w->run->row, w->outcome, &w->outcome->items[at], &after[n],
			lane->job.said[n], last, complaint) == SETTLED)
			settled++;
		else
			w->later.at[w->later.count++] = at;
	}
	lane_report(w, settled);
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
	lane_report(w, settled);
}

void lane_end_look(struct work *w, struct lane *lane)
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
	if (lane->had == 0 || !lane_may_begin(w))
		lane->had = 0;
	else if (clock_steady() - lane->seen > ORDER_PROOF_AGE)
		look_again(w, lane);
	else
		begin_keeping(w, lane);
}

/* The account has its time, too. */
void lane_watch_keeping(struct work *w, struct lane *lane, int64_t now)
{
	struct err err = {{0}};
	int code = 0;

	if (w->hurry)
		code = ERR_STOPPED;
	else if (!w->run->unaccounted && now - lane->seen < ACCOUNT_PATIENCE)
		return;
	else if (!w->run->unaccounted)
		code = err_set(&err, ERR_TIMEOUT, "it could not be written in time");
	if (code == ERR_STOPPED)
		give_up_chunk(w, lane, code, &err);
	else
		go_on_unaccounted(w, lane, code, &err);
}
