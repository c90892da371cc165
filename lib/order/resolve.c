/* SPDX-License-Identifier: ISC */
/*
 * Items whose file is not what their row says, or is not there. The file decides: where it matches
 * what was asked it is acted on, whatever the index says of its ID.
 */
#include <errno.h>

#include "order/inside.h"

/* Positions of items, and their IDs. */
struct some {
	size_t *at;
	struct queue_id *ids;
	size_t count;
};

static int some_init(struct some *s, const struct outcome *outcome, struct err *err)
{
	*s = (struct some){.at = calloc(outcome->count + 1, sizeof(*s->at)),
	    .ids = calloc(outcome->count + 1, sizeof(*s->ids))};
	return s->at && s->ids
		   ? 0
		   : err_sys(err, ENOMEM, "failed to look at %zu messages", outcome->count);
}

static void some_release(struct some *s)
{
	free(s->at);
	free(s->ids);
}

static void some_add(struct some *s, const struct outcome *outcome, size_t at)
{
	s->at[s->count] = at;
	s->ids[s->count++] = candidate_id(outcome->items[at].candidate);
}

/* ---- changed, unproven */

static int read_again(struct run *run, const struct some *s, struct caught *ret, struct err *err)
{
	struct catchup_task task = {.settings = run->order->settings,
	    .postfix = &run->looking,
	    .selector = run->order->selector,
	    .notices = run->order->bounces,
	    .indexed = run->indexed && run->certain,
	    .ids = s->ids,
	    .id_count = s->count,
	    .place = run->place,
	    .stop = run->order->stop};

	return catchup_run(&task, ret, err);
}

/* What the file under an ID says takes the place of the row that it is not. */
static int resolve_another(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	struct caught caught = {0};
	struct some s;
	int code = some_init(&s, outcome, err);

	for (size_t n = 0; code == 0 && n < outcome->count; n++) {
		struct item *item = &outcome->items[n];
		bool another = item->result == RESULT_CHANGED || item->result == RESULT_UNPROVEN;

		if (!item->fresh || !another || item->reread || run->order->undo_count > 0)
			continue;
		some_add(&s, outcome, n);
		item->reread = true;
	}
	if (code == 0 && s.count > 0)
		code = read_again(run, &s, &caught, err);
	if (code == 0)
		code = order_take(run, &caught.found, err);
	for (size_t n = 0; code == 0 && n < s.count; n++)
		outcome->items[s.at[n]].reread = true;
	caught_release(&caught);
	some_release(&s);
	return code;
}

/* ---- gone */

/*
 * Whether a look ever saw it. What the milter saw alone may have been refused by a later filter, or
 * be another instance's.
 */
static bool was_seen(const struct run *run, const struct item *item)
{
	struct message m = candidate_message(item->candidate);

	if (item->unheard)
		return true;
	return run->certain && !item->again &&
	       (m.queued.known || item->proof.state != PROOF_GONE ||
		   run->order->selector->ids_given);
}

static int resolve_gone(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	struct proof *states = NULL;
	struct some s;
	int code = some_init(&s, outcome, err);

	for (size_t n = 0; code == 0 && n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (!item->fresh || item->result != RESULT_GONE || item->looked)
			continue;
		some_add(&s, outcome, n);
		item->looked = true;
	}
	if (code == 0 && s.count > 0)
		code = spool_states(&run->looking, s.ids, s.count, &states, err);
	for (size_t n = 0; code == 0 && n < s.count; n++)
		if (states[n].state != PROOF_GONE)
			outcome->items[s.at[n]].result = RESULT_NONE;
	for (size_t n = 0; code == 0 && n < outcome->count; n++)
		if (outcome->items[n].fresh && outcome->items[n].result == RESULT_GONE &&
		    !was_seen(run, &outcome->items[n]))
			outcome->items[n].result = RESULT_EXCLUDED;
	free(states);
	some_release(&s);
	return code;
}

int order_resolve(struct run *run, struct err *err)
{
	/* What somebody was asked about is what lay there then. */
	int code = run->asked ? 0 : resolve_another(run, err);

	return code < 0 ? code : resolve_gone(run, err);
}

/* ---- the index */

static bool has_left(const struct run *run, const struct item *item)
{
	return (item->result == RESULT_DONE && run->row->leaves) ||
	       (item->result == RESULT_GONE && run->certain);
}

static void tell_left(struct run *run, const struct packed_id *left, size_t count)
{
	const struct postfix *p = run->order->postfix;
	struct update update = {.place = run->place,
	    .queue_directory = p->queue_directory,
	    .hostname = p->myhostname ? p->myhostname : "",
	    .began = run->began,
	    .left = left,
	    .left_count = (uint32_t)count};
	struct index_updated updated;
	struct bytes body = {0};

	update_encode(&update, &body);
	if (!body.failed)
		(void)!client_update(&run->index, bytes_span(&body), NULL, NULL, &updated, NULL);
	bytes_release(&body);
}

/* Where that fails the next catch-up does it. */
void order_drop(struct run *run)
{
	struct outcome *outcome = run->outcome;
	struct packed_id *left;
	size_t count = 0;

	if (!run->indexed || !run->certain)
		return;
	left = calloc(outcome->count + 1, sizeof(*left));
	for (size_t n = 0; left && n < outcome->count; n++) {
		struct item *item = &outcome->items[n];
		struct queue_id id = candidate_id(item->candidate);

		if (!item->dropped && has_left(run, item) && queue_id_pack(&id, &left[count]) == 0)
			count++;
		item->dropped |= has_left(run, item);
	}
	if (count > 0)
		tell_left(run, left, count);
	free(left);
}
