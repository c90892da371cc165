/* SPDX-License-Identifier: ISC */
/* The upkeep thread: its calls, and a stop that does not wait for it for ever. */
#include "tests/unit/milter/index_fixture.h"

#include <stdatomic.h>

#include "milter/upkeep.h"

struct seen {
	atomic_uint reloads, seconds, lasts;
	atomic_bool hang;
};

static void on_reload(void *arg)
{
	struct seen *seen = arg;

	atomic_fetch_add(&seen->reloads, 1);
	while (atomic_load(&seen->hang))
		usleep(1000);
}

static void on_second(void *arg)
{
	atomic_fetch_add(&((struct seen *)arg)->seconds, 1);
}

static void on_last(void *arg)
{
	atomic_fetch_add(&((struct seen *)arg)->lasts, 1);
}

static struct upkeep *started(struct indexkeeper *k, struct seen *seen)
{
	const struct upkeep_config config = {.index = k,
	    .reload = on_reload,
	    .each_second = on_second,
	    .last = on_last,
	    .arg = seen};
	struct upkeep *u = NULL;
	struct err err;

	assert_int_equal(upkeep_start(&u, &config, &err), 0);
	return u;
}

static void wait_for(atomic_uint *count, unsigned want)
{
	int64_t until = clock_steady() + 20 * USEC_PER_SEC;

	while (atomic_load(count) < want && clock_steady() < until)
		usleep(1000);
	assert_true(atomic_load(count) >= want);
}

static void test_what_it_calls(void **state)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);
	struct seen seen = {0};
	struct upkeep *u = started(k, &seen);
	(void)state;

	upkeep_reload(u);
	wait_for(&seen.reloads, 1);
	wait_for(&seen.seconds, 2);
	assert_true(status_of(k, "recording")); /* it opened the index */
	assert_true(upkeep_stop(u, 20 * USEC_PER_SEC));
	assert_int_equal(seen.reloads, 1);
	assert_int_equal(seen.lasts, 1);
	assert_true(indexkeeper_close(k, 20 * USEC_PER_SEC));
	indexkeeper_free(k);
}

static void test_stop_while_it_hangs(void **state)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);
	struct seen seen = {.hang = true};
	struct upkeep *u = started(k, &seen);
	int64_t began;
	(void)state;

	upkeep_reload(u);
	wait_for(&seen.reloads, 1);
	began = clock_steady();
	assert_false(upkeep_stop(u, 50000));
	assert_true(clock_steady() - began < 10 * USEC_PER_SEC);
	atomic_store(&seen.hang, false);
	assert_true(upkeep_stop(u, 20 * USEC_PER_SEC));
	assert_true(indexkeeper_close(k, 20 * USEC_PER_SEC));
	indexkeeper_free(k);
}

static void test_stop_of_nothing(void **state)
{
	(void)state;
	assert_true(upkeep_stop(NULL, 0));
}

UNIT_MAIN(WITH_HOME(test_what_it_calls), WITH_HOME(test_stop_while_it_hangs),
    cmocka_unit_test(test_stop_of_nothing))
