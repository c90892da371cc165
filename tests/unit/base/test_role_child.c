/* SPDX-License-Identifier: ISC */
/* Work done by a child: what it returns, and what it inherits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/base/role_child.h"

/* ---- its result */

static void test_output(void **state)
{
	struct blob blob = {0};
	struct err err;
	uint32_t number = 12345;
	struct reader r;

	(void)state;
	assert_int_equal(role_ask(&role, NULL, ROLE_TIME, work_echo, &number, &blob, &err), 0);
	r = reader_of(blob.at, blob.len);
	assert_int_equal(reader_u32(&r), 12345);
	assert_true(reader_done(&r));
	blob_release(&blob);
	assert_null(blob.at);
	blob_release(&blob);
}

static int work_much(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < *(uint32_t *)arg; i++)
		bytes_put_u32(out, i);
	return 0;
}

static void test_output_of_any_length(void **state)
{
	static const uint32_t counts[] = {0, 1, 892, 893, 3000000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		uint32_t count = counts[i];
		struct blob blob = {0};
		struct err err;
		struct reader r;

		assert_int_equal(run(work_much, &count, &blob, &err), 0);
		assert_int_equal(blob.len, 4 * (size_t)count);
		r = reader_of(blob.at, blob.len);
		for (uint32_t n = 0; n < count; n++)
			if (reader_u32(&r) != n)
				fail();
		assert_true(reader_done(&r));
		blob_release(&blob);
	}
}

static int work_fail(void *arg, struct bytes *out, struct err *err)
{
	bytes_put_text(out, "not wanted any more");
	if (arg)
		memcpy(err->text, "raw\n\x1b[2J", 9); /* as a hijacked child could */
	return ERR_DAMAGED;
}

static void test_failure_travels(void **state)
{
	struct blob blob = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(work_fail, &role, &blob, &err), ERR_DAMAGED);
	assert_string_equal(err.text, "raw??[2J");
	assert_null(blob.map);
	assert_int_equal(run(work_fail, NULL, &blob, &err), ERR_DAMAGED);
	assert_string_equal(err.text, "damaged");
}

/* ---- what it inherits */

struct descriptors {
	int kept, other;
};

static int work_descriptors(void *arg, struct bytes *out, struct err *err)
{
	const struct descriptors *fds = arg;

	(void)err;
	bytes_put_u8(out, fcntl(fds->kept, F_GETFD) >= 0);
	bytes_put_u8(out, fcntl(fds->other, F_GETFD) >= 0);
	return 0;
}

/* It keeps the descriptor asked for, whatever its number, and no other. */
static void test_keeping(void **state)
{
	static const int numbers[] = {3, 5, 40, 800};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		for (int keep = 0; keep < 2; keep++) {
			struct role_child child = {0};
			struct blob blob = {0};
			struct descriptors fds;

			fds.kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, numbers[i]);
			fds.other = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, numbers[i]);
			assert_true(fds.kept >= 0 && fds.other >= 0);
			child.keep = keep ? fds.kept : 0;
			assert_int_equal(
			    role_start(&child, &role, work_descriptors, &fds, NULL), 0);
			assert_int_equal(role_finish(&child, LONG, &blob, NULL), 0);
			assert_int_equal(blob.len, 2);
			assert_int_equal(blob.at[0], keep);
			assert_int_equal(blob.at[1], 0);
			blob_release(&blob);
			close(fds.kept);
			close(fds.other);
		}
}

static int work_out_of_memory(void *arg, struct bytes *out, struct err *err)
{
	(void)arg;
	(void)err;
	out->failed = true;
	return 0;
}

static void test_incomplete_output_is_no_output(void **state)
{
	struct blob blob = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(run(work_out_of_memory, NULL, &blob, &err), -ENOMEM);
	assert_null(blob.map);
}

/* A grandchild may have a copy of the output, but no more: it may run in another role. */
static int work_start_another(void *arg, struct bytes *out, struct err *err)
{
	int status = 0;
	pid_t pid;

	(void)arg;
	(void)err;
	bytes_put_u32(out, 0);
	pid = fork();
	if (pid == 0) {
		out->at[0] = 1;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -ECHILD;
	bytes_put_u32(out, (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : 0));
	return 0;
}

static void test_output_is_the_childs_alone(void **state)
{
	struct blob blob = {0};
	struct err err = {{0}};
	struct reader r;

	(void)state;
	assert_int_equal(run(work_start_another, NULL, &blob, &err), 0);
	r = reader_of(blob.at, blob.len);
	assert_int_equal(reader_u32(&r), 0);
	assert_int_equal(reader_u32(&r), 0);
	assert_true(reader_done(&r));
	blob_release(&blob);
}

/* Not clone(): gcc 14's ThreadSanitizer takes a child on shared memory for one of fork(). */
int __clone(int (*work)(void *), void *stack, int flags, void *arg, ...);

static int hold_memory(void *arg)
{
	(void)arg;
	close_range(0, ~0u, 0);
	alarm(20);
	pause();
	return 0;
}

/* The child's memory outlives it, as when another process reads it in /proc at that moment. */
static int work_whose_memory_stays(void *arg, struct bytes *out, struct err *err)
{
	static char stack[65536];
	pid_t pid;

	(void)arg;
	(void)err;
	pid = __clone(hold_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	bytes_put_u32(out, (uint32_t)pid);
	return pid < 0 ? -errno : 0;
}

static void test_output_is_let_go(void **state)
{
	struct blob blob = {0};
	struct err err = {{0}};
	struct reader r;
	int code = run(work_whose_memory_stays, NULL, &blob, &err);

	(void)state;
	if (code != 0)
		fail_msg("%s", err.text);
	r = reader_of(blob.at, blob.len);
	assert_int_equal(kill((pid_t)reader_u32(&r), SIGKILL), 0);
	blob_release(&blob);
}

static void test_two_at_once(void **state)
{
	struct role_child first = {0}, second = {0};
	struct blob one = {0}, two = {0};
	uint32_t numbers[] = {1, 2};
	struct err err;

	(void)state;
	assert_int_equal(role_start(&first, &role, work_echo, &numbers[0], &err), 0);
	assert_int_equal(role_start(&second, &role, work_echo, &numbers[1], &err), 0);
	assert_int_equal(io_wait(first.done, POLLIN, LONG), 1);
	assert_int_equal(role_finish(&second, LONG, &two, &err), 0);
	assert_int_equal(role_finish(&first, LONG, &one, &err), 0);
	assert_int_equal(one.at[0], 1);
	assert_int_equal(two.at[0], 2);
	assert_int_equal(first.pid, 0);
	blob_release(&one);
	blob_release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_output),
	    cmocka_unit_test(test_output_of_any_length),
	    cmocka_unit_test(test_failure_travels),
	    cmocka_unit_test(test_keeping),
	    cmocka_unit_test(test_incomplete_output_is_no_output),
	    cmocka_unit_test(test_output_is_the_childs_alone),
	    cmocka_unit_test(test_output_is_let_go),
	    cmocka_unit_test(test_two_at_once),
	};

	return cmocka_run_group_tests(tests, choose_role, NULL);
}
