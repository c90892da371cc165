/* SPDX-License-Identifier: ISC */
/* Outcomes made by hand, for tests of what is said about them. */
#ifndef PQPURGE_TESTS_CRAFTED_H
#define PQPURGE_TESTS_CRAFTED_H

#include "order/order.h"

#define CRAFTED_MAX 64

struct crafted {
	struct candidate candidates[CRAFTED_MAX];
	struct item items[CRAFTED_MAX];
	struct outcome outcome; /* must not be released */
};

static inline void crafted_init(struct crafted *c)
{
	memset(c, 0, sizeof(*c));
	c->outcome.items = c->items;
	c->outcome.tally.unindexed_known = true;
	c->outcome.accounted = true;
}

/* One item, counted as lib/order would. IDs count up from 0AAAA1. */
static inline struct item *crafted_add(struct crafted *c, enum result result, const char *sender)
{
	size_t n = c->outcome.count++;
	struct candidate *candidate = &c->candidates[n];
	struct item *item = &c->items[n];
	struct tally *t = &c->outcome.tally;

	message_init(&candidate->message);
	snprintf(candidate->message.queue_id.text, sizeof(candidate->message.queue_id.text),
	    "0AAAA%zX", n + 1);
	candidate->message.sender = sender;
	candidate->sequence = n + 1;
	candidate->matched = MATCHED_ENVELOPE;
	*item = (struct item){.candidate = candidate, .result = result};
	item->proof.arrival_time = INT64_C(1000000000) * 1000000;
	item->proof.size = 1000;
	item->proof.queue = QUEUE_DEFERRED;
	t->results[result]++;
	if (result != RESULT_GONE && result != RESULT_EXCLUDED) {
		t->matched++;
		t->by_envelope++;
	}
	if (result == RESULT_DONE || result == RESULT_READY)
		t->bytes += 1000;
	return item;
}

#endif
