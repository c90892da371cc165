/* SPDX-License-Identifier: ISC */
/* Messages that pend while the map is full, or while transactions fail: none is lost that has room,
 * none has two rows, and each is told once. */
#include "tests/unit/index/pending_fixture.h"

#include "tests/unit/index/faults.h"

#define SMALL (INT64_C(1) << 20)
#define MAIL  5000

static struct index *small_index(const char *dir, struct told *told)
{
	struct index *ix = NULL;

	assert_int_equal(index_open(dir, SMALL, &ix, NULL, NULL), 0);
	index_pend_begin(ix, note, told);
	return ix;
}

/* Of an author of its own, so that its row changes pages all over the index. */
static void pend_scattered(struct index *ix, unsigned n, const struct strlist *recipients)
{
	struct message m = numbered(n);
	char sender[32];

	(void)snprintf(sender, sizeof sender, "a@u%u.example", n * 7919 % 10007);
	m.sender = sender;
	m.recipients = *recipients;
	m.recipient_count = recipients->count;
	assert_true(index_pend(ix, &m, &none));
}

/* The map takes all new mail, however many rows are made together. */
static void test_the_oldest_make_room(void **state)
{
	static const struct {
		const char *name;
		unsigned first, together, recipients;
	} cases[] = {
	    {"each by itself", 0, 1, 1},
	    {"two", 1, 2, 1},
	    {"seven", 0, 7, 1},
	    {"half of the slots", 1, SLOTS / 2, 1},
	    {"all slots", 1, SLOTS, 1},
	    {"large, each by itself", 0, 1, 130},
	    {"large, half of the slots", 1, SLOTS / 2, 130},
	    {"large, all slots", 1, SLOTS, 130},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct told told = {0};
		struct index *ix = small_index(dir, &told);
		AUTO(strbuf_release) struct strbuf packed = {0};
		struct strlist recipients;
		struct index_counts counts;
		unsigned n = 0;

		for (unsigned r = 0; r < cases[i].recipients; r++)
			strlist_push(&packed, "somebody@some.dest.example", 26);
		recipients = strlist_of(&packed);
		for (unsigned many = cases[i].first; n < MAIL; many = cases[i].together) {
			for (unsigned at = 0; at < many; at++)
				pend_scattered(ix, n++, &recipients);
			index_settle(ix);
		}
		counts = fixture_counts(ix);
		if (told.failed > 0 || counts.left_out > 0)
			case_fail(cases[i].name, "%u of %u were left out", told.failed, n);
		case_assert(cases[i].name, told.count == n && counts.recorded == n);
		case_assert(cases[i].name, counts.rows + counts.evicted == n && counts.rows > 100);
		index_close(ix);
		fixture_remove(dir);
	}
}

/* Each call of the common transaction fails once; then each call from there on. */
static void test_faults(void **state)
{
	char *dir = fixture_dir();
	struct told told = {0};
	struct index *ix = opened(dir, &told);
	struct index_counts counts;
	unsigned n = 0, lost;

	(void)state;
	for (long after = 0; after < 60; after++) {
		for (int times = 0; times < 2; times++) {
			for (int at = 0; at < 3; at++)
				assert_true(pend(ix, n++));
			lost = told.failed;
			faults_set(after, times == 0 ? 1 : 1L << 60, FAULT_MAP_FULL);
			index_settle(ix);
			faults_set(0, 0, 0);
			assert_int_equal(told.count, n);
			assert_true(times > 0 || told.failed == lost);
		}
	}
	counts = fixture_counts(ix);
	assert_true(told.failed > 10 && told.failed < n);
	assert_int_equal(counts.left_out, told.failed);
	assert_int_equal(counts.recorded, n - told.failed);
	assert_int_equal(counts.rows + counts.evicted, counts.recorded);
	index_close(ix);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_the_oldest_make_room), cmocka_unit_test(test_faults))
