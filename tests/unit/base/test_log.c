/* SPDX-License-Identifier: ISC */
/* The log on stderr: each message is one scrubbed line; debug only if wanted. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/log.h"

static int saved_stderr = -1, reading = -1;

/* stderr becomes a pipe that the test reads without waiting. */
static int capture(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reading = ends[0];
	return 0;
}

static int release(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reading);
	log_open("test", LOG_TO_STDERR, false);
	return 0;
}

static const char *written(void)
{
	static char text[8192];
	ssize_t got = read(reading, text, sizeof(text) - 1);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void test_levels(void **state)
{
	(void)state;
	log_open("test", LOG_TO_STDERR, false);
	log_debug("hidden");
	log_info("%s: %d", "4XYZ", 1);
	log_warning("two");
	log_error("three");
	assert_string_equal(written(), "info: 4XYZ: 1\nwarning: two\nerror: three\n");
}

static void test_debug(void **state)
{
	(void)state;
	log_open("test", LOG_TO_STDERR, true);
	log_debug("shown %d", 5);
	assert_string_equal(written(), "debug: shown 5\n");
}

/* If nobody reads the pipe, the first line waits a second and later ones do not. All are
 * counted. */
static void test_nobody_reads(void **state)
{
	char text[1 << 17] = "";
	ssize_t len = 0, got;
	int64_t began;

	(void)state;
	log_open("test", LOG_TO_STDERR, false);
	fcntl(STDERR_FILENO, F_SETFL, 0);
	began = clock_steady();
	for (int n = 0; n < 200; n++)
		log_info("%1000d", n);
	int64_t took = clock_steady() - began;
	assert_true(took > 900000 && took < 30 * USEC_PER_SEC); /* about 130 lines do not fit */
	while ((got = read(reading, text + len, sizeof(text) - 1 - (size_t)len)) > 0)
		len += got;
	assert_null(strstr(text, "were lost because"));
	log_info("back");
	len = read(reading, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	assert_non_null(strstr(
	    text, " lines of this log were lost because the log daemon did not read them\n"));
	assert_non_null(strstr(text, "info: back\n"));
}

static void test_one_line_whatever_comes(void **state)
{
	char longer[5000];
	const char *line;

	(void)state;
	log_open("test", LOG_TO_STDERR, false);
	log_error("from '%s'", "x\r\nerror: forged\x1b[2J");
	assert_string_equal(written(), "error: from 'x??error: forged?[2J'\n");
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_error("%s", longer);
	line = written();
	assert_true(strlen(line) > 1000 && strlen(line) < sizeof(longer));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_syslog_is_not_stderr(void **state)
{
	(void)state;
	log_open("pqpurge-unit-test", LOG_TO_SYSLOG, false);
	log_debug("not shown anywhere");
	log_info("a line of the unit test");
	assert_string_equal(written(), "");
}

static void test_errno_survives(void **state)
{
	(void)state;
	log_open("test", LOG_TO_STDERR, false);
	errno = ENOSPC;
	log_error("%s", "x");
	assert_int_equal(errno, ENOSPC);
}

UNIT_MAIN(cmocka_unit_test_setup_teardown(test_levels, capture, release),
    cmocka_unit_test_setup_teardown(test_debug, capture, release),
    cmocka_unit_test_setup_teardown(test_nobody_reads, capture, release),
    cmocka_unit_test_setup_teardown(test_one_line_whatever_comes, capture, release),
    cmocka_unit_test_setup_teardown(test_syslog_is_not_stderr, capture, release),
    cmocka_unit_test_setup_teardown(test_errno_survives, capture, release))
