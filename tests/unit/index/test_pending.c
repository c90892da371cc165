/* SPDX-License-Identifier: ISC */
/* Messages that are answered and not yet committed: every reader finds them. */
#include "tests/unit/index/pending_fixture.h"

#include <pthread.h>

#include "index/pending/flat.h"

/* ---- readers */

static void test_readers_settle(void **state)
{
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);
	AUTO(bytes_release) struct bytes names = {0};

	(void)state;
	assert_true(pend(ix, 1));
	assert_int_equal(told.count, 0);
	assert_int_equal(found(ix), 1);
	assert_int_equal(told.count, 1);
	assert_true(pend(ix, 2));
	assert_int_equal(fixture_counts(ix).rows, 2);
	assert_true(pend(ix, 3));
	assert_int_equal(index_names(ix, NEVER, &names, NULL), 0);
	assert_int_equal(names.len, 24 + 3 * 16);
	assert_int_equal(told.count, 3);
	assert_true(pend(ix, 4));
	index_close(ix);
	assert_int_equal(told.count, 4);
	assert_int_equal(told.failed, 0);
	assert_int_equal(access(fixture_path(dir, INDEX_PENDING), F_OK), -1);
	assert_int_equal(rows_of(dir), 4);
	fixture_remove(dir);
}

static void test_in_order_of_their_end(void **state)
{
	static const unsigned order[] = {5, 2, 9, 1};
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(order); i++)
		assert_true(pend(ix, order[i]));
	index_settle(ix);
	assert_int_equal(told.count, COUNT_OF(order));
	for (unsigned i = 1; i < told.count; i++)
		assert_true(told.ends[i - 1] < told.ends[i]);
	index_close(ix);
	fixture_remove(dir);
}

static void test_all_slots_taken(void **state)
{
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned n = 0; n < SLOTS; n++)
			assert_true(pend(ix, round * SLOTS + n));
		assert_false(pend(ix, 1000));
		index_settle(ix);
		assert_int_equal(fixture_counts(ix).rows, (round + 1) * SLOTS);
	}
	index_close(ix);
	fixture_remove(dir);
}

static void test_what_cannot_pend(void **state)
{
	char *dir = fixture_dir(), text[SLOT_ROOM + 1];
	struct told told = {0};
	struct index *ix = fixture_index(dir);
	struct message m = numbered(1);

	(void)state;
	assert_false(index_pend(ix, &m, &none)); /* index_pend_begin was not called */
	index_settle(ix);
	index_pend_begin(ix, note, &told);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	m.message_id = text;
	for (unsigned n = 0; n < 2 * SLOTS; n++)
		assert_false(index_pend(ix, &m, &none)); /* too large; its slot is free again */
	m.message_id = "";
	assert_true(index_pend(ix, &m, &none));
	index_close(ix);
	fixture_remove(dir);
}

/* Its file is one of the index's: without it kill -9 would lose what pends. */
static void test_file_removed(void **state)
{
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);

	(void)state;
	assert_int_equal(index_check(ix), 0);
	assert_true(pend(ix, 1));
	assert_int_equal(unlink(fixture_path(dir, INDEX_PENDING)), 0);
	assert_int_equal(index_check(ix), ERR_STALE);
	assert_true(pend(ix, 2));
	index_close(ix);
	assert_int_equal(told.count, 2);
	ix = opened(dir, &told);
	assert_int_equal(index_check(ix), 0);
	assert_int_equal(fixture_counts(ix).rows, 2);
	index_close(ix);
	fixture_remove(dir);
}

static void keep_from(void *arg, const struct message *m, int code, const struct err *err)
{
	struct strbuf *all = arg;

	(void)err;
	assert_int_equal(code, 0);
	strlist_each (mailbox, &m->from)
		strbuf_printf(all, "%s;", mailbox);
	if (m->flags & MESSAGE_CUT_FROM)
		strbuf_puts(all, "cut");
}

/* From fields are scanned when the row is made. */
static void test_fields(void **state)
{
	char *dir = fixture_dir(), many[70 * 12];
	AUTO(strbuf_release) struct strbuf fields = {0}, all = {0};
	struct index *ix = fixture_index(dir);
	struct message m = numbered(1);
	struct strlist list;
	size_t len = 0;

	(void)state;
	index_pend_begin(ix, keep_from, &all);
	m.from = none;
	strlist_push(&fields, "Ann <a@one.example>", 19);
	strlist_push(&fields, " b@two.example,\n c@three.example", 33);
	list = strlist_of(&fields);
	assert_true(index_pend(ix, &m, &list));
	index_settle(ix);
	assert_string_equal(all.text, "a@one.example;b@two.example;c@three.example;");
	for (unsigned n = 0; n < 70; n++)
		len += (size_t)snprintf(many + len, sizeof many - len, "u%u@x.test,", n);
	strbuf_clear(&fields);
	strbuf_clear(&all);
	strlist_push(&fields, many, len);
	list = strlist_of(&fields);
	assert_true(index_pend(ix, &m, &list));
	index_close(ix);
	assert_non_null(strstr(all.text, "u63@x.test;cut"));
	fixture_remove(dir);
}

/* ---- the form of a message */

static void test_form(void **state)
{
	struct message m = numbered(7), back;
	struct strlist fields;
	unsigned char flat[SLOT_ROOM];
	size_t len = flat_write(&m, &none, flat, sizeof flat);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(flat_read((struct span){flat, len}, &back, &fields), 0);
	assert_string_equal(back.queue_id.text, m.queue_id.text);
	assert_string_equal(back.sender, m.sender);
	assert_string_equal(back.login, m.login);
	assert_string_equal(back.message_id, m.message_id);
	assert_true(strlist_equal(&back.from, &m.from));
	assert_true(strlist_equal(&back.recipients, &m.recipients));
	assert_int_equal(back.end_time, m.end_time);
	assert_true(net_equal(&back.client, &m.client));
	for (size_t room = 0; room < len; room++)
		assert_int_equal(flat_write(&m, &none, flat, room), 0);
	assert_int_equal(flat_write(&m, &none, flat, len), len);
	m.queued.known = true;
	assert_int_equal(flat_write(&m, &none, flat, sizeof flat), 0);
}

/* Whatever the bytes are, nothing outside of them is read: each copy ends where its memory does. */
static void test_hostile_form(void **state)
{
	struct message m = numbered(7), back;
	struct strlist fields;
	unsigned char flat[SLOT_ROOM];
	size_t len = flat_write(&m, &none, flat, sizeof flat);
	unsigned accepted = 0;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		unsigned char *copy = malloc(cut + 1);

		memcpy(copy, flat, cut);
		assert_int_equal(flat_read((struct span){copy, cut}, &back, &fields), ERR_SYNTAX);
		free(copy);
	}
	for (size_t at = 0; at < len; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			unsigned char *copy = malloc(len);
			AUTO(bytes_release) struct bytes record = {0};

			memcpy(copy, flat, len);
			copy[at] ^= (unsigned char)(1u << bit);
			if (flat_read((struct span){copy, len}, &back, &fields) == 0) {
				record_encode(&back, &record);
				assert_int_equal(record_decode(bytes_span(&record), &back), 0);
				accepted++;
			}
			free(copy);
		}
	assert_true(accepted > 0);
}

/* ---- at once */

#define THREADS 4
#define EACH    400

struct sender {
	pthread_t thread;
	struct index *ix;
	unsigned first, late;
};

static void *pend_some(void *arg)
{
	struct sender *s = arg;
	char id[32];

	for (unsigned n = s->first; n < s->first + EACH; n++) {
		struct message m;

		message_init(&m);
		(void)snprintf(id, sizeof id, "%05X%X", n, 1000 + n);
		(void)!queue_id_parse(id, strlen(id), &m.queue_id);
		m.origin = ORIGIN_SMTPD;
		m.mail_time = m.rcpt_time = m.end_time = 1000 + n;
		m.sender = "a@example.com";
		if (!index_pend(s->ix, &m, &none) && index_record(s->ix, &m, NULL) != 0)
			s->late++;
		if (n % 3 == 0)
			index_settle(s->ix);
	}
	return NULL;
}

static void test_threads(void **state)
{
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);
	struct sender senders[THREADS];
	uint64_t before = 0, rows = 0;

	(void)state;
	for (unsigned t = 0; t < THREADS; t++) {
		senders[t] = (struct sender){.ix = ix, .first = t * EACH};
		assert_int_equal(
		    pthread_create(&senders[t].thread, NULL, pend_some, &senders[t]), 0);
	}
	while (rows < THREADS * EACH) { /* a reader sees ever more of them, and in the end all */
		rows = fixture_counts(ix).rows;
		assert_true(rows >= before);
		before = rows;
	}
	for (unsigned t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(senders[t].thread, NULL), 0);
		assert_int_equal(senders[t].late, 0);
	}
	assert_int_equal(fixture_counts(ix).rows, THREADS * EACH);
	assert_int_equal(told.failed, 0);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_readers_settle), cmocka_unit_test(test_in_order_of_their_end),
    cmocka_unit_test(test_all_slots_taken), cmocka_unit_test(test_what_cannot_pend),
    cmocka_unit_test(test_file_removed), cmocka_unit_test(test_fields), cmocka_unit_test(test_form),
    cmocka_unit_test(test_hostile_form), cmocka_unit_test(test_threads))
