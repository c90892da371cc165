/* SPDX-License-Identifier: ISC */
/* The daemon's index: open or not, mail goes on, and nobody uses a closed one. */
#include "tests/unit/milter/index_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"

static struct indexkeeper *opened(void)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);

	assert_non_null(k);
	indexkeeper_start(k, 0);
	return k;
}

static void end(struct indexkeeper *k)
{
	assert_true(indexkeeper_close(k, 20 * USEC_PER_SEC));
	indexkeeper_free(k);
}

static void test_records(void **state)
{
	struct indexkeeper *k = opened();
	(void)state;

	for (unsigned n = 0; n < 10; n++)
		assert_true(record(k, n));
	assert_true(status_of(k, "recording"));
	assert_int_equal(status_of(k, "rows"), 10);
	assert_int_equal(status_of(k, "recorded"), 10);
	assert_int_equal(status_of(k, "lost"), 0);
	end(k);
	k = opened(); /* recorded rows are there at the next start */
	assert_int_equal(status_of(k, "rows"), 10);
	assert_int_equal(status_of(k, "recorded"), 0);
	end(k);
}

static void add_up(void *arg, const struct message *m, bool recorded)
{
	unsigned *told = arg;

	(void)m;
	*told += recorded ? 1 : 1000;
}

static bool pend(struct indexkeeper *k, unsigned n)
{
	const struct strlist none = {0};
	struct message m = message_number(n);

	return indexkeeper_pend(k, &m, &none);
}

static void test_pends(void **state)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);
	unsigned told = 0;
	(void)state;

	indexkeeper_tell(k, add_up, &told);
	assert_false(pend(k, 1)); /* it is not open */
	indexkeeper_start(k, 0);
	assert_true(pend(k, 1));
	assert_int_equal(told, 0);
	assert_int_equal(status_of(k, "recorded"), 1);
	assert_int_equal(status_of(k, "rows"), 1);
	assert_int_equal(told, 1);
	assert_true(pend(k, 2));
	indexkeeper_settle(k);
	assert_int_equal(told, 2);
	assert_true(pend(k, 3));
	end(k);
	assert_int_equal(told, 3);
	k = opened();
	assert_false(pend(k, 4)); /* nobody is told */
	assert_int_equal(status_of(k, "rows"), 3);
	end(k);
}

static void test_no_directory_yet(void **state)
{
	struct indexkeeper *k;
	int64_t began, due;
	(void)state;

	remove_index();
	k = opened();
	assert_false(record(k, 1));
	assert_null(indexkeeper_borrow(k));
	assert_false(status_of(k, "recording"));
	began = clock_steady();
	due = indexkeeper_tend(k);
	/* Again in a second. */
	assert_true(due >= began + USEC_PER_SEC && due <= clock_steady() + USEC_PER_SEC);
	assert_int_equal(mkdir(directory, 0700), 0);
	indexkeeper_tend(k);
	assert_true(record(k, 2));
	assert_int_equal(status_of(k, "lost"), 1);
	assert_int_equal(status_of(k, "recorded"), 1);
	end(k);
}

static void *let_go(void *arg)
{
	usleep(100000);
	close(*(int *)arg);
	return NULL;
}

static void test_start_waits_for_a_command(void **state)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);
	int lock = take_lock();
	pthread_t thread;
	(void)state;

	assert_int_equal(pthread_create(&thread, NULL, let_go, &lock), 0);
	indexkeeper_start(k, 20 * USEC_PER_SEC);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(status_of(k, "recording"));
	end(k);
}

static void test_command_that_stays(void **state)
{
	struct indexkeeper *k = indexkeeper_new(directory, MAP_SIZE);
	int lock = take_lock();
	int64_t began = clock_steady(), due;
	(void)state;

	indexkeeper_start(k, 100000);
	assert_true(clock_steady() - began >= 100000);
	assert_false(status_of(k, "recording"));
	began = clock_steady();
	due = indexkeeper_tend(k);
	assert_true(due >= began + 100000 && due <= clock_steady() + 100000);
	close(lock);
	indexkeeper_tend(k);
	assert_true(status_of(k, "recording"));
	end(k);
}

/* Tends until the index is in the wanted state, which under load may last only an instant. */
static void tend_until(struct indexkeeper *k, bool recording)
{
	int64_t until = clock_steady() + 20 * USEC_PER_SEC;
	bool is = status_of(k, "recording");

	while (is != recording && clock_steady() < until) {
		indexkeeper_tend(k);
		usleep(2000);
		is = status_of(k, "recording");
	}
	assert_int_equal(is, recording);
}

/* A user keeps the old index from being closed; meanwhile there are no new users. */
static void test_removed_while_in_use(void **state)
{
	struct indexkeeper *k = opened();
	struct index_counts counts;
	struct index *index = indexkeeper_borrow(k);
	(void)state;

	assert_true(record(k, 1));
	remove_index();
	tend_until(k, false);
	assert_null(indexkeeper_borrow(k));
	assert_int_equal(mkdir(directory, 0700), 0);
	for (int i = 0; i < 5; i++)
		indexkeeper_tend(k);
	assert_false(status_of(k, "recording"));
	assert_int_equal(index_count(index, &counts, NULL), 0); /* still usable */
	assert_int_equal(counts.rows, 1);
	indexkeeper_give_back(k);
	tend_until(k, true);
	assert_int_equal(status_of(k, "rows"), 0);
	assert_true(record(k, 2));
	end(k);
}

static void test_close_does_not_wait_for_ever(void **state)
{
	struct indexkeeper *k = opened();
	(void)state;

	assert_non_null(indexkeeper_borrow(k));
	assert_false(indexkeeper_close(k, 20000));
	assert_false(record(k, 1)); /* and no new user is let in */
	indexkeeper_give_back(k);
	end(k);
}

static int64_t now = 1000 * USEC_PER_SEC;

static int64_t fake_clock(void)
{
	return now;
}

/* The first at once, then a number each minute. */
static void test_losses_are_told_once_a_minute(void **state)
{
	char text[4096];
	struct indexkeeper *k;
	size_t lines = 0;
	int kept;
	(void)state;

	remove_index();
	k = opened();
	log_open("test", LOG_TO_STDERR, false);
	clock_inject(fake_clock, fake_clock);
	indexkeeper_tend(k);
	kept = catch_log();
	for (unsigned n = 0; n < 1000; n++)
		record(k, n);
	indexkeeper_tend(k);
	now += 59 * USEC_PER_SEC;
	indexkeeper_tend(k);
	record(k, 1000);
	now += USEC_PER_SEC;
	indexkeeper_tend(k);
	indexkeeper_tend(k);
	caught_log(kept, text, sizeof(text));
	clock_inject(NULL, NULL);
	assert_non_null(strstr(text, "0000010000: not recorded (the index is not open)"));
	assert_non_null(strstr(text, "1000 more messages were not recorded"));
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 2);
	assert_int_equal(status_of(k, "lost"), 1001);
	end(k);
}

/* The index is usually in memory, but may be on a disk, which must be able to sleep. */
static void test_idle_writes_nothing(void **state)
{
	const struct timespec old[] = {{1, 0}, {1, 0}};
	struct indexkeeper *k = opened();
	struct stat st;
	char file[128];
	(void)state;

	snprintf(file, sizeof(file), "%s/%s", directory, INDEX_FILE);
	assert_true(record(k, 1));
	clock_inject(NULL, fake_clock);
	indexkeeper_tend(k);
	assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
	for (int n = 0; n < 3600; n++) {
		now += USEC_PER_SEC;
		indexkeeper_tend(k);
	}
	clock_inject(NULL, NULL);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mtime, 1);
	assert_true(record(k, 2));
	assert_int_equal(stat(file, &st), 0);
	assert_int_not_equal(st.st_mtime, 1);
	end(k);
}

#define THREADS 8
#define TIMES   20

static struct indexkeeper *shared;
static atomic_bool enough;
static atomic_uint offered;
static _Atomic int64_t ahead;

/* The real clock, advanced so that a second has passed at each call of indexkeeper_tend. */
static int64_t hasty_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000 + atomic_load(&ahead);
}

static void *record_many(void *arg)
{
	(void)arg;
	while (!atomic_load(&enough))
		record(shared, atomic_fetch_add(&offered, 1));
	return NULL;
}

/* The status is no help here: "recording" may be the old index's. */
static void tend_until_there(struct indexkeeper *k, const char *file)
{
	int64_t until = clock_steady() + 20 * USEC_PER_SEC;

	while (access(file, F_OK) != 0) {
		assert_true(clock_steady() < until);
		indexkeeper_tend(k);
		usleep(2000);
	}
}

/* Sessions record while the index is removed and reopened, again and again. */
static void test_replaced_under_load(void **state)
{
	pthread_t threads[THREADS];
	char file[128];
	(void)state;

	shared = opened();
	snprintf(file, sizeof(file), "%s/%s", directory, INDEX_FILE);
	clock_inject(NULL, hasty_clock);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, record_many, NULL), 0);
	for (unsigned i = 0; i < TIMES; i++) {
		assert_int_equal(unlink(file), 0);
		atomic_fetch_add(&ahead, 2 * USEC_PER_SEC);
		tend_until_there(shared, file);
	}
	tend_until(shared, true);
	atomic_store(&enough, true);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(
	    status_of(shared, "recorded") + status_of(shared, "lost"), atomic_load(&offered));
	assert_true(status_of(shared, "recorded") > 0);
	clock_inject(NULL, NULL);
	end(shared);
}

UNIT_MAIN(WITH_HOME(test_records), WITH_HOME(test_pends), WITH_HOME(test_no_directory_yet),
    WITH_HOME(test_start_waits_for_a_command), WITH_HOME(test_command_that_stays),
    WITH_HOME(test_removed_while_in_use), WITH_HOME(test_close_does_not_wait_for_ever),
    WITH_HOME(test_losses_are_told_once_a_minute), WITH_HOME(test_idle_writes_nothing),
    WITH_HOME(test_replaced_under_load))
