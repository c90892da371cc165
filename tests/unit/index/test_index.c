/* SPDX-License-Identifier: ISC */
/* Recording in one transaction, however full the map is; a message without room is counted. */
#include "tests/unit/index/fixture.h"

#include <pthread.h>

#include "tests/unit/index/faults.h"

#define SMALL (INT64_C(1) << 20)

static struct message numbered(unsigned n)
{
	return fixture_message(&(struct mail){
	    .usec = n % 1000000, .inode = 100 + n, .time = 1000 + n, .sender = "a@example.com"});
}

static struct index *small_index(const char *dir)
{
	struct index *ix = NULL;

	assert_int_equal(index_open(dir, SMALL, &ix, NULL, NULL), 0);
	return ix;
}

static bool is_known(struct index *ix, unsigned n)
{
	struct message m = numbered(n);
	struct selector s;
	struct bytes out = {0};
	struct reader r;
	bool known;

	selector_init(&s);
	assert_int_equal(selector_add_id(&s, &m.queue_id), 0);
	selector_seal(&s);
	assert_int_equal(index_find(ix, &s, NEVER, &out, NULL), 0);
	r = reader_of(out.at, out.len);
	known = reader_u64(&r) == 1;
	bytes_release(&out);
	selector_release(&s);
	return known;
}

/* The map takes all new mail: the oldest rows go, nothing is left out. */
static void test_the_oldest_make_room(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = small_index(dir);
	struct index_counts counts;
	struct err err = {0};

	(void)state;
	for (unsigned n = 0; n < 10000; n++) {
		struct message m = numbered(n);

		if (index_record(ix, &m, &err) != 0)
			case_fail("record", "row %u: %s", n, err.text);
	}
	counts = fixture_counts(ix);
	assert_int_equal(counts.recorded, 10000);
	assert_int_equal(counts.left_out, 0);
	assert_true(counts.rows > 1000);
	assert_int_equal(counts.rows + counts.evicted, 10000);
	assert_true(clock_wall() - counts.evicted_time < 60 * USEC_PER_SEC);
	assert_true(counts.used_bytes < counts.map_bytes);
	assert_true(is_known(ix, 9999));
	assert_false(is_known(ix, 0));
	index_close(ix);
	fixture_remove(dir);
}

/* Mail to a thousand recipients needs adjacent pages. */
static void test_large_records(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = small_index(dir);
	struct strbuf packed = {0};
	struct index_counts counts;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strlist_push(&packed, "somebody@some.dest.example", 26);
	for (unsigned n = 0; n < 400; n++) {
		struct message m = numbered(n);

		if (n % 3 != 0) {
			m.recipients = strlist_of(&packed);
			m.recipient_count = m.recipients.count;
		}
		(void)!index_record(ix, &m, NULL);
	}
	counts = fixture_counts(ix);
	assert_int_equal(counts.recorded + counts.left_out, 400);
	assert_true(counts.left_out < 40);
	assert_true(is_known(ix, 399) || counts.left_out > 0);
	strbuf_release(&packed);
	index_close(ix);
	fixture_remove(dir);
}

/* index_prune works in slices from the high mark to the low one, and then rests. */
static void test_prune(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = small_index(dir);
	struct index_counts counts;
	uint64_t full;
	unsigned n = 0;
	int code;

	(void)state;
	assert_int_equal(index_prune(ix, NULL), 0);
	do {
		struct message m = numbered(n++);

		assert_int_equal(index_record(ix, &m, NULL), 0);
		counts = fixture_counts(ix);
	} while (counts.evicted == 0);
	full = counts.used_bytes;
	while ((code = index_prune(ix, NULL)) == 1)
		;
	assert_int_equal(code, 0);
	counts = fixture_counts(ix);
	assert_true(counts.used_bytes * 100 < full * 95);
	assert_true(counts.used_bytes * 100 > full * 80);
	assert_int_equal(index_prune(ix, NULL), 0);
	assert_int_equal(fixture_counts(ix).rows, counts.rows);
	index_close(ix);
	fixture_remove(dir);
}

/* Full in the middle: makes room and tries again. Full again: left out, counted, reported. */
static void test_faults(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct message m = numbered(1);
	struct err err = {0};
	uint64_t left_out = 0;
	int full = 0, second = 0;

	(void)state;
	for (long n = 0; n < 40; n++) {
		faults_set(n, 1, FAULT_MAP_FULL);
		second += index_record(ix, &m, &err) == 0;
		faults_set(n, 1L << 60, FAULT_MAP_FULL);
		if (index_record(ix, &m, &err) != 0) {
			full++;
			assert_non_null(strstr(err.text, "the index is full"));
		}
		faults_set(0, 0, 0);
	}
	assert_int_equal(second, 40);
	assert_true(full > 5);
	left_out = fixture_counts(ix).left_out;
	assert_int_equal(left_out, full);
	assert_int_equal(index_check(ix), 0);
	index_close(ix);
	fixture_remove(dir);
}

/* index_check reports what only reopening can mend. A damaged index is set aside when it is
 * closed. */
static void test_broken(void **state)
{
	static const struct {
		const char *name;
		int fault, code;
		bool aside;
	} cases[] = {
	    {"panic", FAULT_PANIC, ERR_STALE, false},
	    {"damage", FAULT_CORRUPTED, ERR_DAMAGED, true},
	    {"no memory for what a page asks for", ENOMEM, ERR_DAMAGED, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct index *ix = fixture_index(dir);
		struct message m = numbered(1);
		struct err err = {0};

		faults_set(2, 1, cases[i].fault);
		case_assert(cases[i].name, index_record(ix, &m, &err) == cases[i].code);
		faults_set(0, 0, 0);
		case_assert(cases[i].name, index_check(ix) == ERR_STALE);
		index_close(ix);
		case_assert(cases[i].name,
		    (access(fixture_path(dir, "index.mdb.bad"), F_OK) == 0) == cases[i].aside);
		ix = fixture_index(dir);
		case_assert(cases[i].name, index_record(ix, &m, &err) == 0);
		index_close(ix);
		fixture_remove(dir);
	}
}

/* ---- many at once */

#define THREADS 8
#define EACH    200

struct recorder {
	pthread_t thread;
	struct index *ix;
	unsigned first;
};

static void *record_some(void *arg)
{
	struct recorder *r = arg;
	struct message m;
	char sender[40];

	for (unsigned i = 0; i < EACH; i++) {
		unsigned n = r->first + i;

		message_init(&m);
		(void)snprintf(m.queue_id.text, sizeof m.queue_id.text, "%05X%X", n, 100 + n);
		m.origin = ORIGIN_SMTPD;
		m.mail_time = m.rcpt_time = m.end_time = 1000 + n;
		(void)snprintf(sender, sizeof sender, "u%u@example.com", n);
		m.sender = sender;
		if (index_record(r->ix, &m, NULL) != 0)
			return r;
	}
	return NULL;
}

static void test_threads(void **state)
{
	char *dir = fixture_dir();
	struct index *ix = fixture_index(dir);
	struct recorder recorders[THREADS];
	struct index_counts counts;
	void *failed;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		recorders[i] = (struct recorder){.ix = ix, .first = i * EACH};
		assert_int_equal(
		    pthread_create(&recorders[i].thread, NULL, record_some, &recorders[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		struct bytes out = {0};

		assert_int_equal(index_names(ix, NEVER, &out, NULL), 0);
		assert_int_equal(index_prune(ix, NULL), 0);
		bytes_release(&out);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(recorders[i].thread, &failed), 0);
		assert_null(failed);
	}
	counts = fixture_counts(ix);
	assert_int_equal(counts.rows, THREADS * EACH);
	assert_int_equal(counts.recorded, THREADS * EACH);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_the_oldest_make_room), cmocka_unit_test(test_large_records),
    cmocka_unit_test(test_prune), cmocka_unit_test(test_faults), cmocka_unit_test(test_broken),
    cmocka_unit_test(test_threads))
