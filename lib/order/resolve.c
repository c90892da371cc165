/* SPDX-License-Identifier: ISC */
/* Items whose file differs from their row, or is missing. The file decides: if it matches the
 * selector, we act on it, whatever the index says about its ID. */

#include "order/order_private.h"

static bool is_new(const struct item *item)
{
	return item->fresh && !item->reread;
}

/* If a file is not the message of its row, the file becomes the candidate. */
static int resolve_another(struct run *run, struct err *err)
{
	AUTO(caught_release) struct caught caught = {0};
	AUTO(chosen_release) struct chosen c = {0};
	int code = order_choose(run->outcome, IS_ANOTHER, is_new, &c, err);

	if (code == 0 && c.count > 0)
		code = chosen_ids(&c, run->outcome, err);
	if (code == 0 && c.count > 0)
		code = order_read_files(run, NULL, c.ids, c.count, &caught, err);
	code = code ?: order_take(run, &caught.found, err);
	for (size_t n = 0; n < c.count; n++)
		run->outcome->items[c.at[n]].reread = true;
	return code ?: order_decide_unsure(run, err);
}

static bool is_missed(const struct item *item)
{
	return item->fresh && !item->looked;
}

/* Whether we ever saw it in the queue. A later filter may have refused what only the milter saw; or
 * it may be another instance's. */
static bool was_seen(const struct run *run, const struct item *item)
{
	const struct selector *s = run->order->selector;
	struct message m = candidate_message(item->candidate);

	if (item->unheard)
		return true;
	/* Nobody can tell any more whether it matched. */
	if (selector_asks_file(s) && !s->ids_given && item->proof.asked != ASKED_YES)
		return false;
	return run->certain && !item->again &&
	       (m.queued.known || item->proof.state != PROOF_GONE || s->ids_given);
}

static int look_for_gone(struct run *run, struct chosen *c, struct err *err)
{
	AUTO(free_local) struct proof *states = NULL;
	int code = chosen_ids(c, run->outcome, err);

	code = code ?: spool_states(&run->looking, c->ids, c->count, &states, err);
	for (size_t n = 0; code == 0 && n < c->count; n++) {
		struct item *item = &run->outcome->items[c->at[n]];

		item->looked = true;
		if (states[n].state != PROOF_GONE)
			item->result = RESULT_NONE;
	}
	return code;
}

static int resolve_gone(struct run *run, struct err *err)
{
	struct outcome *outcome = run->outcome;
	AUTO(chosen_release) struct chosen c = {0};
	int code = order_choose(outcome, IS_GONE, is_missed, &c, err);

	if (code == 0 && c.count > 0)
		code = look_for_gone(run, &c, err);
	for (size_t n = 0; code == 0 && n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (item->fresh && item_is(item, IS_GONE) && !was_seen(run, item))
			item->result = RESULT_EXCLUDED;
	}
	return code;
}

int order_resolve(struct run *run, struct err *err)
{
	/* An approved order acts only on what the user saw. undo goes by the account. */
	bool settled = run->approved || run->order->undo_count > 0;
	int code = settled ? 0 : resolve_another(run, err);

	return code < 0 ? code : resolve_gone(run, err);
}

static bool has_left(const struct run *run, const struct item *item)
{
	return (item->result == RESULT_DONE && run->row->leaves) ||
	       (item->result == RESULT_GONE && run->certain);
}

static void tell_left(struct run *run, const struct packed_id *left, size_t count)
{
	struct update update = catchup_update(run->order->postfix, run->place, run->began);

	update.left = left;
	update.left_count = (uint32_t)count;
	order_await_drop(run->outcome);
	run->outcome->drop = client_send(&run->index, &update);
}

void order_await_drop(struct outcome *outcome)
{
	client_await(outcome->drop);
	outcome->drop = NULL;
}

/* If this fails, the next catch-up does it. */
void order_drop(struct run *run)
{
	struct outcome *outcome = run->outcome;
	size_t count = 0;

	if (!run->indexed || !run->certain)
		return;
	struct packed_id *left = calloc(outcome->count + 1, sizeof(*left));
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
