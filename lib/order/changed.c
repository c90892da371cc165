/* SPDX-License-Identifier: ISC */
/*
 * IDs that name another message now. Where the selection asks for senders and means that one too,
 * it is mail that was asked for, and the index does not know it: RESULT_UNPROVEN says so.
 */
#include <errno.h>

#include "order/inside.h"
#include "order/meant.h"

static bool asks_for_senders(const struct selector *s)
{
	return s->author.count + s->sender.count + s->from.count > 0;
}

/* What lies under the changed IDs; the arrays have room for all. */
struct changed {
	struct item **items;
	struct queue_id *ids;
	struct proof *looks;
	enum meant *meant;
	size_t count;
};

static size_t count_changed(const struct outcome *outcome)
{
	size_t count = 0;

	for (size_t n = 0; n < outcome->count; n++)
		count += outcome->items[n].result == RESULT_CHANGED;
	return count;
}

static void collect(struct changed *c, struct outcome *outcome)
{
	for (size_t n = 0; n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (item->result != RESULT_CHANGED)
			continue;
		c->items[c->count] = item;
		c->ids[c->count] = candidate_id(item->candidate);
		c->looks[c->count++] = item->proof;
	}
}

static int judge(const struct order *order, struct outcome *outcome, struct changed *c, size_t room,
    struct err *err)
{
	int code;

	c->items = calloc(room, sizeof(struct item *));
	c->ids = calloc(room, sizeof(*c->ids));
	c->looks = calloc(room, sizeof(*c->looks));
	c->meant = calloc(room, sizeof(*c->meant));
	if (!c->items || !c->ids || !c->looks || !c->meant)
		return err_sys(err, ENOMEM, "failed to read %zu changed messages", room);
	collect(c, outcome);
	code =
	    meant_find(order->postfix, order->selector, c->ids, c->looks, c->count, c->meant, err);
	for (size_t n = 0; code == 0 && n < c->count; n++)
		if (c->meant[n] == MEANT_YES)
			c->items[n]->result = RESULT_UNPROVEN;
	return code;
}

void order_judge_changed(const struct order *order, struct outcome *outcome)
{
	size_t room = count_changed(outcome);
	struct changed c = {0};
	struct err err = {{0}};

	if (room == 0 || order_stopped(order) || !asks_for_senders(order->selector))
		return;
	if (judge(order, outcome, &c, room, &err) != 0)
		order_trouble(outcome, &err);
	free(c.items);
	free(c.ids);
	free(c.looks);
	free(c.meant);
}
