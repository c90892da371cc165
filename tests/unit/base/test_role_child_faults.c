/* SPDX-License-Identifier: ISC */
/* A parent survives every failure of its child. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/unit/base/role_child.h"

/* ---- children that go wrong */

static int work_crash(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	bytes_put_text(out, "lost");
	raise(*(int *)arg);
	return 0;
}

static int work_exit(void *arg, struct bytes *out, struct err *err)
{
	(void)out;
	(void)err;
	_exit(*(int *)arg);
}

static void test_crash(void **state)
{
	static const struct {
		const char *name;
		role_work *work;
		int number;
		const char *want;
	} cases[] = {
	    {"bad address", work_crash, SIGSEGV, "a child died of signal 11 (Segmentation fault)"},
	    {"bus error", work_crash, SIGBUS, "a child died of signal 7 (Bus error)"},
	    {"abort", work_crash, SIGABRT, "a child died of signal 6 (Aborted)"},
	    {"out of memory killer", work_crash, SIGKILL, "a child ended without a result"},
	    {"exit", work_exit, 3, "a child ended with status 3"},
	    {"exit as if all were well", work_exit, 0, "a child ended without a result"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int number = cases[i].number;
		struct blob blob = {0};
		struct err err = {{0}};

		case_assert(cases[i].name, run(cases[i].work, &number, &blob, &err) == ERR_CHILD);
		case_assert_text(cases[i].name, err.text, cases[i].want);
		case_assert(cases[i].name, !blob.map);
	}
}

static int work_hang(void *arg, struct bytes *out, struct err *err)
{
	sigset_t all;

	(void)arg;
	(void)out;
	(void)err;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
	return 0;
}

static void test_hang_ends_at_the_deadline(void **state)
{
	struct role_child child = {0};
	struct blob blob = {0};
	struct err err = {{0}};
	int64_t deadline = clock_steady() + 50000;
	pid_t pid;

	(void)state;
	assert_int_equal(role_start(&child, &role, work_hang, NULL, &err), 0);
	pid = child.pid;
	assert_int_equal(role_finish(&child, deadline, &blob, &err), ERR_TIMEOUT);
	assert_true(clock_steady() >= deadline);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_null(blob.map);
}

static int work_stop_itself(void *arg, struct bytes *out, struct err *err)
{
	raise(SIGSTOP);
	return work_hang(arg, out, err);
}

/* A stopped child runs no handler and answers nothing, but SIGKILL ends it. */
static void test_stopped_child_ends_at_the_deadline(void **state)
{
	struct role_child child = {0};
	struct blob blob = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(role_start(&child, &role, work_stop_itself, NULL, &err), 0);
	assert_int_equal(role_finish(&child, clock_steady() + 50000, &blob, &err), ERR_TIMEOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static volatile sig_atomic_t asked;

static void set_asked(int number)
{
	(void)number;
	asked = 1;
}

/* The flag ends the wait whenever it is set, even by a signal during the wait, and the child is
 * killed. */
static void test_stop_flag(void **state)
{
	static const struct {
		const char *name;
		role_work *work;
		unsigned alarm_at; /* microseconds; 0 = the flag is set at once */
	} cases[] = {
	    {"set before", work_hang, 0},
	    {"set in mid-wait", work_hang, 70000},
	    {"child is stopped", work_stop_itself, 70000},
	};

	(void)state;
	signal(SIGALRM, set_asked);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct role_child child = {.stop = &asked};
		struct blob blob = {0};
		struct err err = {{0}};

		asked = cases[i].alarm_at == 0;
		case_assert(
		    cases[i].name, role_start(&child, &role, cases[i].work, NULL, &err) == 0);
		if (cases[i].alarm_at > 0)
			ualarm(cases[i].alarm_at, 0);
		case_assert(cases[i].name, role_finish(&child, LONG, &blob, &err) == ERR_STOPPED);
		case_assert_text(cases[i].name, err.text, "stopped by a signal");
		case_assert(cases[i].name, waitpid(-1, NULL, WNOHANG) == -1);
	}
	signal(SIGALRM, SIG_DFL);
}

/* A result that has arrived counts, even if the flag is set by then. */
static void test_result_before_the_stop_flag(void **state)
{
	struct role_child child = {.stop = &asked};
	struct blob blob = {0};
	uint32_t number = 7;
	struct err err;

	(void)state;
	assert_int_equal(role_start(&child, &role, work_echo, &number, &err), 0);
	assert_int_equal(io_wait(child.done, POLLIN, LONG), 1);
	asked = 1;
	assert_int_equal(role_finish(&child, LONG, &blob, &err), 0);
	assert_int_equal(blob.at[0], 7);
	assert_null(child.stop);
	blob_release(&blob);
}

/* By mmap, since a sanitizer's malloc aborts when memory is exhausted. */
static int work_allocate(void *arg, struct bytes *out, struct err *err)
{
	size_t wanted = *(size_t *)arg;
	void *memory =
	    mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)err;
	bytes_put_u8(out, memory != MAP_FAILED);
	return 0;
}

static void test_memory_is_bounded(void **state)
{
	static const struct {
		const char *name;
		uint64_t memory;
		size_t wanted;
		bool had;
	} cases[] = {
	    {"within its own bound", 64 << 20, 16 << 20, true},
	    {"past its own bound", 64 << 20, 100 << 20, false},
	    {"within the default", 0, 100 << 20, true},
	    {"past the default", 0, (size_t)1100 << 20, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct role_child child = {.memory = cases[i].memory};
		size_t wanted = cases[i].wanted;
		struct blob blob = {0};
		struct err err = {{0}};

		case_assert(
		    cases[i].name, role_start(&child, &role, work_allocate, &wanted, &err) == 0);
		if (role_finish(&child, LONG, &blob, &err) != 0)
			case_fail(cases[i].name, "%s", err.text);
		case_assert(cases[i].name, blob.at[0] == cases[i].had);
		blob_release(&blob);
	}
}

static int work_spin(void *arg, struct bytes *out, struct err *err)
{
	(void)out;
	(void)err;
	if (arg)
		signal(SIGXCPU, SIG_IGN);
	volatile uint64_t n = 0;
	for (;;)
		n = n + 1;
	return 0;
}

static void test_cpu_time_is_bounded(void **state)
{
	int ignores = 1;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct role_child child = {.cpu = 1};
		struct blob blob = {0};
		struct err err = {{0}};

		assert_int_equal(
		    role_start(&child, &role, work_spin, i ? &ignores : NULL, &err), 0);
		assert_int_equal(role_finish(&child, LONG, &blob, &err), ERR_CHILD);
		assert_string_equal(
		    err.text, i ? "a child ended without a result"
				: "a child died of signal 24 (CPU time limit exceeded)");
	}
}

/* After end of file the child may still run. It must not hold the parent in waitpid. */
static int work_close_and_hang(void *arg, struct bytes *out, struct err *err)
{
	close_range(3, ~0u, 0);
	return work_hang(arg, out, err);
}

static void test_closing_early_does_not_help(void **state)
{
	struct blob blob = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(
	    role_ask(&role, NULL, ROLE_TIME, work_close_and_hang, NULL, &blob, &err), ERR_CHILD);
}

static void test_finish_without_start(void **state)
{
	struct role_child child = {0};
	struct blob blob = {0};
	struct err err;

	(void)state;
	assert_int_equal(role_finish(&child, INT64_MAX, &blob, &err), ERR_CHILD);
	assert_int_equal(fcntl(0, F_GETFD) >= 0, 1); /* a zeroed value closes no descriptor 0 */
}

/* ---- children that lie */

struct lie {
	const char *name;
	uint32_t magic;
	uint64_t len;
	size_t size;  /* of the whole output */
	bool endless; /* the text has no NUL */
	int seals;
};

static int output_fd(void)
{
	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GET_SEALS) >= 0)
			return fd;
	return -1;
}

/* Writes its own trailer, as a hijacked child could. */
static int work_lie(void *arg, struct bytes *out, struct err *err)
{
	const struct lie *lie = arg;
	unsigned char text[sizeof(err->text)] = {0};
	struct bytes trailer = {0};
	int fd = output_fd();

	(void)out;
	bytes_put_u32(&trailer, lie->magic);
	bytes_put_u32(&trailer, 0);
	bytes_put_u64(&trailer, lie->len);
	if (lie->endless)
		memset(text, 'x', sizeof(text));
	bytes_put(&trailer, text, sizeof(text));
	if (pwrite(fd, trailer.at, trailer.len,
		lie->size > trailer.len ? (off_t)(lie->size - trailer.len) : 0) < 0)
		_exit(1);
	if (ftruncate(fd, (off_t)lie->size) < 0)
		_exit(2);
	if (lie->seals)
		fcntl(fd, F_ADD_SEALS, lie->seals);
	_exit(0);
}

static void test_lies(void **state)
{
	static const size_t tail = 16 + sizeof(((struct err *)0)->text);
	static const uint32_t magic = 0x524f4c45;
	static const struct lie cases[] = {
	    {"the truth", magic, 5, tail + 5, false, 0},
	    {"half a trailer", magic, 0, 15, false, 0},
	    {"one byte short", magic, 0, tail - 1, false, 0},
	    {"another magic", 1, 0, tail, false, 0},
	    {"too long a length", magic, 6, tail + 5, false, 0},
	    {"too short a length", magic, 4, tail + 5, false, 0},
	    {"a length that wraps", magic, UINT64_MAX - tail + 1, tail, false, 0},
	    {"a text without end", magic, 5, tail + 5, true, 0},
	    {"longer than allowed", magic, UINT64_C(5) << 30, tail + (UINT64_C(5) << 30), false, 0},
	    {"sealed against sealing", magic, 5, tail + 5, false, F_SEAL_SEAL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct lie lie = cases[i];
		struct blob blob = {0};
		struct err err = {{0}};
		int code = run(work_lie, &lie, &blob, &err);

		if (code != (i == 0 ? 0 : ERR_CHILD))
			case_fail(lie.name, "code %d (%s)", code, err.text);
		case_assert(lie.name, (blob.map != NULL) == (i == 0));
		blob_release(&blob);
	}
}

/* ---- children whose parent dies */

/* A change of ids clears the death signal, so it must be set after that. This tests it. */
static int work_say_and_hang(void *arg, struct bytes *out, struct err *err)
{
	if (write(STDOUT_FILENO, "x", 1) != 1)
		_exit(1);
	return work_hang(arg, out, err);
}

static void test_child_dies_with_its_parent(void **state)
{
	struct role_child child = {0};
	struct err err;
	int ends[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[1]);
		if (role_start(&child, &role, work_say_and_hang, NULL, &err) < 0)
			_exit(2);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(io_wait(ends[0], POLLIN, LONG), 1);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* the child held the other end and is gone */
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crash),
	    cmocka_unit_test(test_hang_ends_at_the_deadline),
	    cmocka_unit_test(test_stopped_child_ends_at_the_deadline),
	    cmocka_unit_test(test_stop_flag),
	    cmocka_unit_test(test_result_before_the_stop_flag),
	    cmocka_unit_test(test_memory_is_bounded),
	    cmocka_unit_test(test_cpu_time_is_bounded),
	    cmocka_unit_test(test_closing_early_does_not_help),
	    cmocka_unit_test(test_finish_without_start),
	    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_child_dies_with_its_parent),
	};

	return cmocka_run_group_tests(tests, choose_role, NULL);
}
