/* SPDX-License-Identifier: ISC */
/* Updates in a short form, and looks at the resulting rows. */
#ifndef PQPURGE_TESTS_UPDATE_FIXTURE_H
#define PQPURGE_TESTS_UPDATE_FIXTURE_H

#include "tests/unit/index/fixture.h"

#include "index/control/update.h"

#define HOST "mx.example"

/* A catch-up's report; began 0: after all existing rows. */
struct said {
	const struct mail *read;
	size_t read_count;
	struct packed_id left[8];
	size_t left_count;
	int64_t began, whole;
	bool adopt;
	uint64_t device;
};

static inline void said_encode(const struct said *s, struct bytes *out)
{
	struct bytes records = {0};
	struct update u = {.place = {s->device ? s->device : 7, 70},
	    .queue_directory = "/var/spool/postfix",
	    .hostname = HOST,
	    .adopt = s->adopt,
	    .began = s->began ? s->began : INT64_C(1) << 60,
	    .whole = s->whole,
	    .record_count = (uint32_t)s->read_count,
	    .left = s->left,
	    .left_count = (uint32_t)s->left_count};

	for (size_t i = 0; i < s->read_count; i++) {
		struct mail mail = s->read[i];
		struct message m;

		mail.queue_only = true;
		m = fixture_message(&mail);
		update_add(&records, &m);
	}
	u.records = bytes_span(&records);
	update_encode(&u, out);
	assert_false(out->failed);
	bytes_release(&records);
}

static inline struct index_updated update_with(
    struct index *ix, const struct said *s, const struct selector *selector, struct bytes *out)
{
	struct strbuf packed = {0};
	struct bytes body = {0};
	struct index_updated updated;
	struct strlist own;
	struct err err = {0};

	strlist_push(&packed, "10.0.0.0/8", 10);
	own = strlist_of(&packed);
	said_encode(s, &body);
	if (index_update(ix, bytes_span(&body), selector, &own, NEVER, out, &updated, &err) != 0)
		case_fail("update", "%s", err.text);
	bytes_release(&body);
	strbuf_release(&packed);
	return updated;
}

static inline struct index_updated update(struct index *ix, const struct said *s)
{
	struct bytes out = {0};
	struct index_updated updated = update_with(ix, s, NULL, &out);

	bytes_release(&out);
	return updated;
}

/* All rows, or those of one ID if it is not NULL. */
static inline struct candidates rows_of(struct index *ix, const struct queue_id *id)
{
	struct bytes out = {0};
	struct candidates c;
	struct selector s;
	struct blob blob;
	struct err err = {0};

	selector_init(&s);
	if (id)
		assert_int_equal(selector_add_id(&s, id), 0);
	else
		s.all = true;
	selector_seal(&s);
	if (index_find(ix, &s, NEVER, &out, &err) != 0)
		case_fail("find", "%s", err.text);
	blob = (struct blob){.at = out.at, .len = out.len};
	assert_int_equal(select_view(&blob, &c, NULL), 0);
	c.made = out; /* released with it */
	selector_release(&s);
	return c;
}

#endif
