/* SPDX-License-Identifier: ISC */
/* A hook has its time and no more, whatever it does with its stderr. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/door/hook.h"

#define SHORT (USEC_PER_SEC / 5)
#define LONG  (120 * USEC_PER_SEC)

/* Runs `as` in its own session with stderr in a pipe; returns the result of hook_wait. */
static int wait_for(void (*as)(void), int64_t time, struct err *err)
{
	int ends[2], code;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setsid();
		alarm(120);
		dup2(ends[1], STDERR_FILENO);
		close_range(3, ~0u, 0);
		as();
		_exit(0);
	}
	close(ends[1]);
	code = hook_wait("/hook", child, ends[0], clock_steady() + time, err);
	close(ends[0]);
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
	return code;
}

static void ends_well(void)
{
}

static void fails(void)
{
	dprintf(STDERR_FILENO, "no mail today");
	_exit(3);
}

static void hangs(void)
{
	for (;;)
		pause();
}

static void closes_stderr(void)
{
	close(STDERR_FILENO);
	hangs();
}

static void never_stops(void)
{
	static const char words[512] = "y";

	while (write(STDERR_FILENO, words, sizeof(words)) > 0)
		;
}

static void test_end(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_int_equal(wait_for(ends_well, LONG, &err), 0);
	assert_int_equal(wait_for(fails, LONG, &err), ERR_CHILD);
	assert_non_null(strstr(err.text, "no mail today"));
}

static void test_time(void **state)
{
	static void (*const all[])(void) = {hangs, closes_stderr, never_stops};
	struct err err = {{0}};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(all); n++)
		assert_int_equal(wait_for(all[n], SHORT, &err), ERR_TIMEOUT);
}

/* The settings refuse it, but accounts change. */
static void test_never_root(void **state)
{
	struct settings s = {.hook_user = (char[]){"root"}};
	const struct door_hook hook = {.event = DOOR_BEGIN};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(hook_run(&s, "/bin/true", &hook, &err), ERR_CONFIG);
	assert_string_equal(err.text, "hook_user must not be root");
}

UNIT_MAIN(
    cmocka_unit_test(test_end), cmocka_unit_test(test_time), cmocka_unit_test(test_never_root))
