/* SPDX-License-Identifier: ISC */
/* Lines to a log daemon that reads, does not read, goes and comes back. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

static char directory[64], path[80];
static int daemon_end = -1;
static int64_t steady;

/* Each reading advances the clock, so that a second passes without waiting. */
static int64_t hasty(void)
{
	return steady += 400000;
}

static void listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void)unlink(path);
	daemon_end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(daemon_end >= 0);
	assert_int_equal(bind(daemon_end, (struct sockaddr *)&address, sizeof(address)), 0);
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/pqpurge-log.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/log", directory);
	listen_there();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	clock_inject(NULL, NULL);
	(void)close(daemon_end);
	(void)unlink(path);
	(void)rmdir(directory);
	return 0;
}

/* The next line that arrived, without its time; "" if none. */
static const char *line(void)
{
	static char text[4096];
	ssize_t len = recv(daemon_end, text, sizeof(text) - 1, MSG_DONTWAIT);
	char *after;

	text[len > 0 ? len : 0] = '\0';
	after = strstr(text, "test[");
	return after ? after : text;
}

static const char *said(const char *text)
{
	static char whole[4096];

	(void)snprintf(whole, sizeof(whole), "test[%d]: %s", (int)getpid(), text);
	return whole;
}

static void test_format(void **state)
{
	struct log_sink s = LOG_SINK_INIT(path);
	char text[4096];
	ssize_t len;

	(void)state;
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "4XYZ: hello");
	len = recv(daemon_end, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(len > 0);
	text[len] = '\0';
	assert_int_equal(strncmp(text, "<22>", 4), 0);
	assert_int_equal(strcspn(text + 4, " "), 3);
	assert_string_equal(text + 4 + strlen("Nov 25 16:00:00 "), said("4XYZ: hello"));
	io_close(&s.fd);
}

/* A full queue costs one wait. Lines that do not fit are counted and reported. */
static void test_nobody_reads(void **state)
{
	struct log_sink s = LOG_SINK_INIT(path);
	int sent = 0;
	char words[100];

	(void)state;
	clock_inject(NULL, hasty);
	while (s.lost == 0 && sent++ < 100000)
		log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "one of many");
	assert_int_equal(s.lost, 1);
	assert_true(s.stalled);
	for (int i = 0; i < 4; i++)
		log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "one of many");
	assert_int_equal(s.lost, 5);
	for (int i = 1; i < sent; i++)
		assert_string_equal(line(), said("one of many"));
	assert_string_equal(line(), "");
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "again");
	(void)snprintf(words, sizeof(words),
	    "%d lines of this log were lost because the log daemon did not read them", 5);
	assert_string_equal(line(), said(words));
	assert_string_equal(line(), said("again"));
	assert_false(s.stalled);
	io_close(&s.fd);
}

static void test_started_anew(void **state)
{
	struct log_sink s = LOG_SINK_INIT(path);

	(void)state;
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "one");
	assert_string_equal(line(), said("one"));
	(void)close(daemon_end);
	listen_there();
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "two");
	assert_string_equal(line(), said("two"));
	(void)close(daemon_end);
	(void)unlink(path);
	errno = EPERM;
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "three");
	assert_int_equal(errno, EPERM);
	listen_there();
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "four");
	assert_string_equal(
	    line(), said("1 lines of this log were lost because the log daemon did not read them"));
	assert_string_equal(line(), said("four"));
	io_close(&s.fd);
}

/* In a child the descriptor's number may be another file: it is neither written to nor closed. */
static void test_in_a_child(void **state)
{
	struct log_sink s = LOG_SINK_INIT(path);
	char byte;
	int ends[2], status;

	(void)state;
	log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "parent");
	assert_string_equal(line(), said("parent"));
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], s.fd);
		log_sink_send(&s, LOG_MAIL | LOG_INFO, "test", "child");
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_non_null(strstr(line(), ": child"));
	(void)close(ends[0]);
	(void)close(ends[1]);
	io_close(&s.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_format, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nobody_reads, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_started_anew, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_in_a_child, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
