/* SPDX-License-Identifier: ISC */
/* Hand-made outcomes, for tests of their wording. */
#ifndef PQPURGE_TESTS_CRAFTED_H
#define PQPURGE_TESTS_CRAFTED_H

#include "tests/unit/unit.h"

#include "order/order.h"

#define CRAFTED_MAX 64

struct crafted {
	struct candidate candidates[CRAFTED_MAX];
	struct bytes records[CRAFTED_MAX];
	struct item items[CRAFTED_MAX];
	struct outcome outcome; /* only crafted_release releases it */
};

static inline void crafted_init(struct crafted *c)
{
	memset(c, 0, sizeof(*c));
	c->outcome.items = c->items;
	c->outcome.accounted = true;
}

static inline void crafted_release(struct crafted *c)
{
	for (size_t n = 0; n < CRAFTED_MAX; n++)
		bytes_release(&c->records[n]);
	strbuf_release(&c->outcome.unreadable);
}

/* Makes m the message of the nth item. m may have views of the record that it replaces. */
static inline void crafted_record(struct crafted *c, size_t n, const struct message *m)
{
	struct bytes record = {0};

	record_encode(m, &record);
	assert_false(record.failed);
	bytes_release(&c->records[n]);
	c->records[n] = record;
	assert_int_equal(
	    candidate_take(&c->candidates[n], (struct span){record.at, record.len}), 0);
}

/* Adds one item, counted as in lib/order. IDs count up from 0AAAA1. */
static inline struct item *crafted_add(struct crafted *c, enum result result, const char *sender)
{
	size_t n = c->outcome.count++;
	struct item *item = &c->items[n];
	struct tally *t = &c->outcome.tally;
	struct message m;

	message_init(&m);
	m.origin = ORIGIN_SMTPD;
	snprintf(m.queue_id.text, sizeof(m.queue_id.text), "0AAAA%zX", n + 1);
	m.sender = sender;
	m.mail_time = m.rcpt_time = m.end_time = INT64_C(1000000000) * 1000000;
	crafted_record(c, n, &m);
	c->candidates[n].sequence = n + 1;
	c->candidates[n].matched = MATCHED_ENVELOPE;
	*item = (struct item){.candidate = &c->candidates[n], .result = result};
	item->proof.arrival_time = m.mail_time;
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

/* A packed list of two, and its view. */
#define PACKED(a, b)  ((struct strlist){.first = a "\0" b, .bytes = sizeof(a "\0" b), .count = 2})
#define PACKED_ONE(a) ((struct strlist){.first = a, .bytes = sizeof(a), .count = 1})

#endif
