/* SPDX-License-Identifier: ISC */
/* The lock that allows only one daemon. */
#include "tests/unit/milter/index_fixture.h"

#include <pthread.h>

#include "base/io.h"
#include "milter/daemon_lock.h"

static char path[128];

static int make_state(void **state)
{
	int code = make_home(state);

	snprintf(path, sizeof(path), "%s/lock", directory);
	return code;
}

static struct daemon_lock lock_of(void)
{
	return (struct daemon_lock){
	    .directory = directory, .uid = (uid_t)-1, .gid = (gid_t)-1, .fd = -1};
}

static void test_names_who_has_it(void **state)
{
	struct daemon_lock first = lock_of(), second = lock_of();
	struct err err = {{0}};
	char want[64];
	(void)state;

	assert_int_equal(daemon_lock_take(&first, 0, &err), 0);
	assert_int_equal(daemon_lock_take(&second, 20000, &err), ERR_LOCKED);
	snprintf(want, sizeof(want), "process %d", getpid());
	assert_non_null(strstr(err.text, want));
	assert_int_equal(second.fd, -1);
	assert_false(first.ran_before);
	io_close(&first.fd);
	assert_int_equal(daemon_lock_take(&second, 0, &err), 0);
	assert_true(second.ran_before);
	io_close(&second.fd);
}

static void test_before_the_machines_start(void **state)
{
	const struct timespec long_ago[2] = {{1, 0}, {1, 0}};
	struct daemon_lock first = lock_of(), second = lock_of();
	struct err err = {{0}};
	(void)state;

	assert_int_equal(daemon_lock_take(&first, 0, &err), 0);
	io_close(&first.fd);
	assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
	assert_int_equal(daemon_lock_take(&second, 0, &err), 0);
	assert_false(second.ran_before);
	io_close(&second.fd);
}

static void *let_go(void *arg)
{
	usleep(50000);
	io_close(&((struct daemon_lock *)arg)->fd);
	return NULL;
}

/* A command holds it for some milliseconds. */
static void test_waits(void **state)
{
	struct daemon_lock first = lock_of(), second = lock_of();
	struct err err = {{0}};
	pthread_t thread;
	(void)state;

	assert_int_equal(daemon_lock_take(&first, 0, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, let_go, &first), 0);
	assert_int_equal(daemon_lock_take(&second, 20 * USEC_PER_SEC, &err), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	io_close(&second.fd);
}

static void test_directory_is_late_or_replaced(void **state)
{
	struct daemon_lock ours = lock_of(), other = lock_of();
	char old[128];
	struct err err = {{0}};
	(void)state;

	remove_index();
	assert_int_equal(daemon_lock_take(&ours, 0, &err), 0); /* no failure, and nothing held */
	assert_int_equal(ours.fd, -1);
	assert_int_equal(mkdir(directory, 0700), 0);
	daemon_lock_keep(&ours);
	assert_true(ours.fd >= 0);
	assert_int_equal(daemon_lock_take(&other, 0, &err), ERR_LOCKED);

	snprintf(old, sizeof(old), "%s.old", directory);
	assert_int_equal(rename(directory, old), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
	daemon_lock_keep(&ours);
	assert_int_equal(daemon_lock_take(&other, 0, &err), ERR_LOCKED);
	io_close(&ours.fd);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_what_is_no_plain_file(void **state)
{
	char target[128];
	struct daemon_lock ours = lock_of();
	struct err err = {{0}};
	int fd;
	(void)state;

	snprintf(target, sizeof(target), "%s/target", home);
	fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(link(target, path), 0);
	assert_int_equal(daemon_lock_take(&ours, 0, &err), ERR_REFUSED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(daemon_lock_take(&ours, 0, &err), 0);
	assert_int_equal(ours.fd, -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(daemon_lock_take(&ours, 0, &err), ERR_REFUSED);
	fd = open(target, O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	close(fd);
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, make_state, remove_home)

UNIT_MAIN(WITH_STATE(test_names_who_has_it), WITH_STATE(test_before_the_machines_start),
    WITH_STATE(test_waits), WITH_STATE(test_directory_is_late_or_replaced),
    WITH_STATE(test_what_is_no_plain_file))
