/* SPDX-License-Identifier: ISC */
/* Descriptors: whole reads and writes, waits that end, frames over a socket pair. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/io.h"

#define SHORTLY (clock_steady() + 20000)
#define LONG    (clock_steady() + 20 * USEC_PER_SEC)

static int ends[2];

static int open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state)
{
	(void)state;
	io_close(&ends[0]);
	io_close(&ends[1]);
	return 0;
}

static void test_read_all(void **state)
{
	char text[16] = "";

	(void)state;
	assert_int_equal(io_write_all(ends[0], "hello", 5), 0);
	assert_int_equal(io_write_all(ends[0], " you", 4), 0);
	assert_int_equal(io_read_all(ends[1], text, 3), 3);
	io_close(&ends[0]);
	assert_int_equal(io_read_all(ends[1], text + 3, sizeof(text) - 3), 6);
	assert_string_equal(text, "hello you");
	assert_int_equal(io_read_all(-1, text, 1), -EBADF);
	assert_int_equal(io_write_all(-1, text, 1), -EBADF);
}

static void test_wait(void **state)
{
	(void)state;
	assert_int_equal(io_wait(ends[0], POLLOUT, LONG), 1);
	assert_int_equal(io_wait(ends[0], POLLIN, SHORTLY), 0);
	assert_int_equal(io_wait(ends[0], POLLIN, INT64_MIN), 0);
	assert_int_equal(io_write_all(ends[1], "x", 1), 0);
	assert_int_equal(io_wait(ends[0], POLLIN, INT64_MAX), 1);
	assert_int_equal(io_wait(1000, POLLIN, LONG), -EBADF);
}

static void *write_big_frame(void *arg)
{
	struct bytes *payload = arg;
	static int code;

	code = io_frame_write(ends[0], bytes_span(payload), LONG);
	return &code;
}

/* Far more than a socket buffers, so both sides must wait for each other. */
static void test_big_frame(void **state)
{
	struct bytes payload = {0}, got = {0};
	pthread_t thread;
	void *code;

	(void)state;
	for (uint32_t i = 0; i < 500000; i++)
		bytes_put_u32(&payload, i);
	assert_int_equal(pthread_create(&thread, NULL, write_big_frame, &payload), 0);
	assert_int_equal(io_frame_read(ends[1], &got, IO_FRAME_MAX, LONG), 1);
	pthread_join(thread, &code);
	assert_int_equal(*(int *)code, 0);
	assert_int_equal(got.len, payload.len);
	assert_memory_equal(got.at, payload.at, got.len);
	bytes_release(&payload);
	bytes_release(&got);
}

static void test_frames_keep_apart(void **state)
{
	struct bytes got = {0};

	(void)state;
	assert_int_equal(io_frame_write(ends[0], (struct span){"one", 3}, LONG), 0);
	assert_int_equal(io_frame_write(ends[0], (struct span){"", 0}, LONG), 0);
	assert_int_equal(io_frame_write(ends[0], (struct span){"two", 3}, LONG), 0);
	io_close(&ends[0]);
	assert_int_equal(io_frame_read(ends[1], &got, 3, LONG), 1);
	assert_memory_equal(got.at, "one", 3);
	assert_int_equal(io_frame_read(ends[1], &got, 3, LONG), 1);
	assert_int_equal(got.len, 0);
	assert_int_equal(io_frame_read(ends[1], &got, 3, LONG), 1);
	assert_memory_equal(got.at, "two", 3);
	assert_int_equal(io_frame_read(ends[1], &got, 3, LONG), 0);
	bytes_release(&got);
}

static void test_bad_frames(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		int want;
	} cases[] = {
	    {"closed in the length", "\5\0", 2, -ECONNRESET},
	    {"closed in the payload", "\5\0\0\0abc", 7, -ECONNRESET},
	    {"over the reader's limit", "\21\0\0\0", 4, ERR_LIMIT},
	    {"over any limit", "\377\377\377\377", 4, ERR_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct bytes got = {0};
		int code;

		assert_int_equal(io_write_all(ends[0], cases[i].bytes, cases[i].len), 0);
		io_close(&ends[0]);
		code = io_frame_read(ends[1], &got, 16, LONG);
		if (code != cases[i].want)
			case_fail(cases[i].name, "got %d, want %d", code, cases[i].want);
		bytes_release(&got);
		close_pair(NULL);
		assert_int_equal(open_pair(NULL), 0);
	}
}

static void test_deadlines_hold(void **state)
{
	struct bytes got = {0}, big = {0};

	(void)state;
	assert_int_equal(io_frame_read(ends[1], &got, 16, SHORTLY), ERR_TIMEOUT);
	assert_int_equal(io_write_all(ends[0], "\5\0\0\0a", 5), 0);
	assert_int_equal(io_frame_read(ends[1], &got, 16, SHORTLY), ERR_TIMEOUT);
	while (big.len < (8u << 20))
		bytes_put_u64(&big, 0);
	assert_int_equal(io_frame_write(ends[0], bytes_span(&big), SHORTLY), ERR_TIMEOUT);
	bytes_release(&got);
	bytes_release(&big);
}

/* No SIGPIPE, although the test does not ignore it. */
static void test_write_to_closed_peer(void **state)
{
	(void)state;
	io_close(&ends[1]);
	assert_int_equal(io_frame_write(ends[0], (struct span){"x", 1}, LONG), -EPIPE);
	assert_int_equal(
	    io_frame_write(ends[0], (struct span){"x", (size_t)IO_FRAME_MAX + 1}, LONG), ERR_LIMIT);
}

static void test_guard_stdio(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		close(0);
		close(2);
		if (io_guard_stdio() != 0)
			_exit(1);
		for (int fd = 0; fd <= 2; fd++)
			if (fcntl(fd, F_GETFD) != 0)
				_exit(2);
		_exit(dup(0) > 2 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_small_helpers(void **state)
{
	int fd = dup(ends[0]), copy;

	(void)state;
	copy = fd;
	io_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	io_close(&fd);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

UNIT_MAIN(WITH_PAIR(test_read_all), WITH_PAIR(test_wait), WITH_PAIR(test_big_frame),
    WITH_PAIR(test_frames_keep_apart), WITH_PAIR(test_bad_frames), WITH_PAIR(test_deadlines_hold),
    WITH_PAIR(test_write_to_closed_peer), cmocka_unit_test(test_guard_stdio),
    WITH_PAIR(test_small_helpers))
