/* SPDX-License-Identifier: ISC */
/* Outcomes made by hand, for tests of what is said about them. */
#ifndef PQPURGE_TESTS_CRAFTED_H
#define PQPURGE_TESTS_CRAFTED_H

#include "tests/unit/unit.h"

#include "order/order.h"

#define CRAFTED_MAX 64

struct crafted {
	struct candidate candidates[CRAFTED_MAX];
	unsigned char records[CRAFTED_MAX][2000];
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

/* Makes m the message of the nth item. */
static inline void crafted_record(struct crafted *c, size_t n, const struct message *m)
{
	struct bytes record = {0};

	record_encode(m, &record);
	assert_false(record.failed || record.len > sizeof(c->records[n]));
	memcpy(c->records[n], record.at, record.len);
	c->candidates[n].record = c->records[n];
	c->candidates[n].record_len = (uint32_t)record.len;
	bytes_release(&record);
}

/* One item, counted as lib/order would. IDs count up from 0AAAA1. */
static inline struct item *crafted_add(struct crafted *c, enum result result, const char *sender)
{
	size_t n = c->outcome.count++;
	struct candidate *candidate = &c->candidates[n];
	struct item *item = &c->items[n];
	struct tally *t = &c->outcome.tally;
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_SMTPD;
	snprintf(m.queue_id.text, sizeof(m.queue_id.text), "0AAAA%zX", n + 1);
	m.sender = sender;
	crafted_record(c, n, &m);
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
