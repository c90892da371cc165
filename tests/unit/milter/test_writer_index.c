/* SPDX-License-Identifier: ISC */
/* The writer while its index goes and comes, hangs at the end, or fills up. */
#include "tests/unit/milter/writer_fixture.h"

static void test_degraded_start(void **state)
{
	struct fixture *f = *state;

	refuse_open = 2;
	start(f);
	assert_string_equal(status(f, "recording"), "no");
	assert_string_equal(status(f, "last_error"), "process 4711 is writing");
	assert_int_equal(record(f, 1), WRITER_LOST);
	WAIT_FOR(strcmp(status(f, "recording"), "yes") == 0);
	assert_int_equal(record(f, 2), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_stale_store_is_reopened(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	faults.fail_code = ERR_STALE;
	assert_int_equal(record(f, 1), WRITER_LOST);
	faults.fail_code = 0;
	WAIT_FOR(record(f, 2) == WRITER_RECORDED);
	assert_true(opened >= 2);
	stop(f);
	assert_true(rows(f, STORE_MESSAGE) >= 1);
}

static void test_removed_directory(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	remove_directory(f->directory);
	assert_int_equal(record(f, 2), WRITER_LOST);
	WAIT_FOR(record(f, 3) == WRITER_RECORDED);
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), 1, 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_stop_is_bounded(void **state)
{
	struct fixture *f = *state;

	f->settings.commit_timeout = 50000;
	wrapping = BLOCKING;
	start(f);
	blocked = true;
	assert_int_equal(record(f, 1), WRITER_LOST);
	int64_t began = clock_steady();
	assert_false(writer_stop(f->writer, 50000));
	assert_true(clock_steady() - began < 5 * USEC_PER_SEC);
	assert_int_equal(record(f, 2), WRITER_LOST);
}

static void test_oldest_go_when_full(void **state)
{
	struct fixture *f = *state;
	struct coverage_row pruned = {0};
	unsigned number = 0;

	f->settings.commit_async = true;
	f->settings.index_map_size = INT64_C(16) << 20;
	start(f);
	while (strcmp(status(f, "pruned"), "0") == 0 && number < 200000) {
		for (unsigned end = number + 2000; number < end; number++)
			assert_int_equal(record(f, number), WRITER_QUEUED);
		WAIT_FOR(strcmp(status(f, "queued"), "0") == 0);
	}
	assert_true(number < 200000);
	assert_string_equal(status(f, "lost"), "0");
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), 1000, number - 1000);
	assert_int_equal(coverage(f, COVERAGE_PRUNED, &pruned), 1);
	assert_true(pruned.to > 0);
}

UNIT_MAIN(TEST(test_degraded_start), TEST(test_stale_store_is_reopened),
    TEST(test_removed_directory), TEST(test_stop_is_bounded), TEST(test_oldest_go_when_full))
