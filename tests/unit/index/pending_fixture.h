/* SPDX-License-Identifier: ISC */
/* Messages that pend, and an index that has slots for them. */
#ifndef PQPURGE_TESTS_PENDING_FIXTURE_H
#define PQPURGE_TESTS_PENDING_FIXTURE_H

#include "tests/unit/index/fixture.h"

#include "index/pending/slots.h"

static const struct strlist none;

static inline struct message numbered(unsigned n)
{
	return fixture_message(&(struct mail){.usec = n,
	    .inode = 1000 + n,
	    .time = 1000 + n,
	    .sender = "a@example.com",
	    .from = "b@from.example",
	    .recipient = "c@dest.example",
	    .login = "joe",
	    .message_id = "<1@example.com>"});
}

static inline bool pend(struct index *ix, unsigned n)
{
	struct message m = numbered(n);

	return index_pend(ix, &m, &none);
}

struct told {
	unsigned count, failed;
	int64_t ends[2 * SLOTS];
};

static inline void note(void *arg, const struct message *m, int code, const struct err *err)
{
	struct told *t = arg;

	(void)err;
	t->failed += code != 0;
	t->ends[t->count++ % COUNT_OF(t->ends)] = m->end_time;
}

static inline struct index *opened(const char *dir, struct told *told)
{
	struct index *ix = fixture_index(dir);

	index_pend_begin(ix, note, told);
	return ix;
}

static inline uint64_t rows_of(const char *dir)
{
	struct index *ix = fixture_index(dir);
	uint64_t rows = fixture_counts(ix).rows;

	index_close(ix);
	return rows;
}

static inline unsigned found(struct index *ix)
{
	struct selector selector = {0};
	AUTO(bytes_release) struct bytes out = {0};
	AUTO(candidates_release) struct candidates rows = {0};
	struct blob blob;

	assert_int_equal(selector_add_login(&selector, "joe"), 0);
	assert_int_equal(index_find(ix, &selector, NEVER, &out, NULL), 0);
	selector_release(&selector);
	blob = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &rows, NULL), 0);
	return (unsigned)rows.count;
}

#endif
