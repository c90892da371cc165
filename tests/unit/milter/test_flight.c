/* SPDX-License-Identifier: ISC */
/* Callbacks in flight, asked about at any moment. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "milter/flight.h"

static void test_nothing(void **state)
{
	(void)state;
	assert_true(flight_is_over(flight_mark()));
}

static void test_before_and_after(void **state)
{
	unsigned before = flight_begin(), mark = flight_mark(), after = flight_begin();

	(void)state;
	assert_false(flight_is_over(mark));
	unsigned later = flight_mark();
	flight_end(before);
	assert_true(flight_is_over(mark)); /* whatever began later */
	assert_false(flight_is_over(later));
	flight_end(after);
	assert_true(flight_is_over(later));
}

/* More marks than spans while one callback stays: all later marks wait for its end. */
static void test_many_marks(void **state)
{
	unsigned first = flight_mark(), stays = flight_begin(), marks[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		unsigned passing = flight_begin();

		marks[i] = flight_mark();
		flight_end(passing);
	}
	assert_true(flight_is_over(first));
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		assert_false(flight_is_over(marks[i]));
	flight_end(stays);
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		assert_true(flight_is_over(marks[i]));
}

static atomic_bool stop;

static void *fly(void *arg)
{
	(void)arg;
	while (!stop)
		flight_end(flight_begin());
	return NULL;
}

/* Callbacks come without end, and still each mark is soon over. */
static void test_busy(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fly, NULL), 0);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned mark = flight_mark();

		while (!flight_is_over(mark))
			sched_yield();
	}
	stop = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

UNIT_MAIN(cmocka_unit_test(test_nothing), cmocka_unit_test(test_before_and_after),
    cmocka_unit_test(test_many_marks), cmocka_unit_test(test_busy))
