/* SPDX-License-Identifier: ISC */
/* The writer: recording, and losing without keeping mail waiting. */
#include "tests/unit/milter/writer_fixture.h"

#include "milter/intake.h"

#define SESSIONS    20
#define PER_SESSION 25

static void test_recorded(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(record(f, i), WRITER_RECORDED);
	assert_string_equal(status(f, "recorded"), "10");
	assert_string_equal(status(f, "recording"), "yes");
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 10);
	assert_int_equal(coverage(f, COVERAGE_BEGIN, NULL), 1);
	assert_int_equal(coverage(f, COVERAGE_END, NULL), 1);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 0);
}

struct crowd {
	struct fixture *fixture;
	unsigned first;
	atomic_int *failed;
};

static void *crowd_main(void *arg)
{
	const struct crowd *c = arg;

	for (unsigned i = 0; i < PER_SESSION; i++)
		if (record(c->fixture, c->first + i) != WRITER_RECORDED)
			(*c->failed)++;
	return NULL;
}

static void test_many_sessions(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[SESSIONS];
	struct crowd crowd[SESSIONS];
	atomic_int failed = 0;

	start(f);
	for (unsigned i = 0; i < SESSIONS; i++) {
		crowd[i] = (struct crowd){f, i * PER_SESSION, &failed};
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]), 0);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failed, 0);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), SESSIONS * PER_SESSION);
}

static void test_async(void **state)
{
	struct fixture *f = *state;

	f->settings.commit_async = true;
	f->settings.commit_delay = 10 * USEC_PER_SEC;
	start(f);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(record(f, i), WRITER_QUEUED);
	stop(f); /* does not wait for the delay */
	assert_int_equal(rows(f, STORE_MESSAGE), 10);
}

/* Rows that wait are answered already: the last sign of life is not later than they are. */
static void test_safe_time(void **state)
{
	static const int64_t times[] = {5000, 3000, 4000};
	char reason[WRITER_REASON_MAX + 1];
	struct intake in;

	(void)state;
	assert_int_equal(intake_init(&in, USEC_PER_SEC), 0);
	assert_int_equal(intake_safe_time(&in, 4500), 4500);
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct bytes row = {0};

		bytes_put_u8(&row, 1);
		assert_int_equal(intake_record(&in, &row, times[i], 0, reason), 0);
	}
	assert_int_equal(intake_safe_time(&in, 4500), 3000);
	assert_int_equal(intake_safe_time(&in, 2000), 2000);
	intake_batch_over(&in, intake_take_rows(&in), 0, "");
	assert_int_equal(intake_safe_time(&in, 4500), 4500);
	intake_release(&in);
}

static void test_queue_is_capped(void **state)
{
	struct fixture *f = *state;
	unsigned queued = 0;

	f->settings.commit_async = true;
	wrapping = BLOCKING;
	start(f);
	blocked = true;
	while (queued < 3 * WRITER_ROWS_MAX && record(f, queued) == WRITER_QUEUED)
		queued++;
	/* One queue, and what a batch that hangs had taken before. */
	assert_in_range(queued, WRITER_ROWS_MAX, 2 * WRITER_ROWS_MAX);
	blocked = false;
	WAIT_FOR(record(f, 3 * WRITER_ROWS_MAX) == WRITER_QUEUED);
	stop(f);
	assert_in_range(rows(f, STORE_MESSAGE), queued, queued + 1);
	assert_true(coverage(f, COVERAGE_GAP, NULL) >= 1);
}

/* ---- losing */

static void test_failing_commits(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap = {0};

	wrapping = FAILING;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	faults.at = FAULTS_AT_COMMIT;
	faults.fail_code = ERR_FULL;
	int64_t before = clock_wall();
	for (unsigned i = 2; i < 7; i++)
		assert_int_equal(record(f, i), WRITER_LOST);
	assert_string_equal(status(f, "gap_count"), "5");
	assert_string_equal(status(f, "lost"), "5");
	faults.fail_code = 0;
	assert_int_equal(record(f, 7), WRITER_RECORDED);
	assert_string_equal(status(f, "gap_count"), "");
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 2);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.count, 5);
	assert_true(gap.from >= before && gap.to >= gap.from);
	assert_true(gap.reason[0] != '\0');
}

static void test_gap_ends_without_mail(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	faults.fail_code = ERR_FULL;
	assert_int_equal(record(f, 1), WRITER_LOST);
	faults.fail_code = 0;
	WAIT_FOR(status(f, "gap_count")[0] == '\0');
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_GAP, NULL), 1);
}

static void test_hanging_commit(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap = {0};

	f->settings.commit_timeout = 100000;
	wrapping = BLOCKING;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	blocked = true;
	int64_t began = clock_steady();
	assert_int_equal(record(f, 2), WRITER_LOST);
	int64_t took = clock_steady() - began;
	assert_in_range(took, 100000, 5 * USEC_PER_SEC);
	assert_string_equal(status(f, "stalled"), "yes");
	began = clock_steady();
	for (unsigned i = 3; i < 203; i++)
		assert_int_equal(record(f, i), WRITER_LOST);
	assert_true(clock_steady() - began < 10 * 100000); /* nobody waits any more */

	blocked = false;
	WAIT_FOR(strcmp(status(f, "stalled"), "no") == 0);
	f->settings.commit_timeout = 10 * USEC_PER_SEC;
	assert_int_equal(record(f, 1000), WRITER_RECORDED);
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 3); /* the one that hung got there */
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.count, 200);
}

/* A gap that was never written may be forgotten by nobody: the next start must find it. */
static void test_gap_survives_the_end(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap = {0};

	wrapping = FAILING;
	start(f);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	int64_t before = clock_wall();
	WAIT_FOR(clock_wall() > before + 20000);
	faults.at = FAULTS_AT_COMMIT;
	faults.fail_code = ERR_FULL;
	assert_int_equal(record(f, 2), WRITER_LOST);
	int64_t lost = clock_wall();
	WAIT_FOR(clock_wall() > lost + 20000); /* a file's time is rounded down to a tick */
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_END, NULL), 0);
	assert_true(home_last_sign(f->directory) < lost);
	faults.fail_code = 0;
	start(f);
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_true(gap.from < lost && gap.to >= lost);
}

static void test_lose(void **state)
{
	struct fixture *f = *state;
	struct coverage_row gap = {0};

	start(f);
	writer_lose(f->writer, 1234, "no queue ID");
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	stop(f);
	assert_int_equal(coverage(f, COVERAGE_GAP, &gap), 1);
	assert_int_equal(gap.from, 1234);
	assert_int_equal(gap.count, 1);
	assert_string_equal(gap.reason, "no queue ID");
}

UNIT_MAIN(TEST(test_recorded), TEST(test_many_sessions), TEST(test_async),
    cmocka_unit_test(test_safe_time), TEST(test_queue_is_capped), TEST(test_failing_commits),
    TEST(test_gap_ends_without_mail), TEST(test_hanging_commit), TEST(test_gap_survives_the_end),
    TEST(test_lose))
