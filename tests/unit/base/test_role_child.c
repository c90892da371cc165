/* SPDX-License-Identifier: ISC */
/*
 * Work done by a child: what it is, what it cannot do, and that a parent survives whatever becomes
 * of it. As root the child is nobody; without root it is ourselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/role.h"

#define LONG (clock_steady() + 20 * USEC_PER_SEC)

static struct role role;

static int choose_role(void **state)
{
	struct err err;

	(void)state;
	if (geteuid() == 0)
		return role_of_user("nobody", &role, &err);
	role = (struct role){.uid = geteuid(), .gid = getegid(), .name = "self"};
	return 0;
}

/* Starts and finishes; the child's code. */
static int run(role_work *work, void *arg, struct blob *blob, struct err *err)
{
	struct role_child child = {0};
	int code = role_start(&child, &role, work, arg, err);

	assert_int_equal(code, 0);
	return role_finish(&child, LONG, blob, err);
}

/* ---- what comes back */

static int work_echo(void *arg, struct bytes *out, struct err *err)
{
	(void)err;
	bytes_put_u32(out, *(uint32_t *)arg);
	return 0;
}

static void test_output(void **state)
{
	struct blob blob = {0};
	struct err err;
	uint32_t number = 12345;
	struct reader r;

	(void)state;
	assert_int_equal(role_collect(&role, work_echo, &number, &blob, &err), 0);
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
		memcpy(err->text, "raw\n\x1b[2J", 9); /* as a child would that was taken over */
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

/* ---- what it keeps */

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

/* One descriptor if asked for, whatever its number, and no other. */
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
			assert_int_equal(role_start_keeping(&child, &role, keep ? fds.kept : -1,
					     work_descriptors, &fds, NULL),
			    0);
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

/* Of a process that the child starts the output is no business: it may be another role's. */
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
	assert_int_equal(reader_u32(&r), SIGSEGV);
	blob_release(&blob);
}

static int hold_memory(void *arg)
{
	(void)arg;
	close_range(0, ~0u, 0);
	alarm(20);
	pause();
	return 0;
}

/* Its memory outlives it, as it does for a moment where somebody looks at it in /proc. */
static int work_whose_memory_stays(void *arg, struct bytes *out, struct err *err)
{
	static char stack[65536];
	pid_t pid;

	(void)arg;
	(void)err;
	pid = clone(hold_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
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

/* ---- what the child is; each check says its number where it failed */

static int work_check_ids(void *arg, struct bytes *out, struct err *err)
{
	uid_t uids[3];
	gid_t gids[3];

	(void)arg;
	(void)out;
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return err_set(err, ERR_CHILD, "no ids");
	for (size_t i = 0; i < 3; i++)
		if (uids[i] != role.uid || gids[i] != role.gid)
			return err_set(err, ERR_CHILD, "id %zu differs", i);
	if (role.uid != 0 && (setuid(0) == 0 || setreuid(0, 0) == 0 || setresgid(0, 0, 0) == 0))
		return err_set(err, ERR_CHILD, "root again");
	if (role.uid != 0 && open("/etc/shadow", O_RDONLY) >= 0)
		return err_set(err, ERR_CHILD, "reads what only root may");
	return 0;
}

static int work_check_groups(void *arg, struct bytes *out, struct err *err)
{
	(void)arg;
	(void)out;
	return getgroups(0, NULL) == 0 ? 0 : err_set(err, ERR_CHILD, "groups remain");
}

static int work_check_descriptors(void *arg, struct bytes *out, struct err *err)
{
	int count = 0;

	(void)out;
	for (int fd = 3; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	if (fcntl(*(int *)arg, F_GETFD) >= 0)
		return err_set(err, ERR_CHILD, "the parent's file is open");
	return count == 2 ? 0 : err_set(err, ERR_CHILD, "%d descriptors", count);
}

static int work_check_process(void *arg, struct bytes *out, struct err *err)
{
	struct rlimit core;
	struct sigaction usr1, usr2;
	sigset_t blocked;
	int death = 0;

	(void)arg;
	(void)out;
	if (getpgrp() != getpid() || getsid(0) != getpid())
		return err_set(err, ERR_CHILD, "in the parent's session");
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0)
		return err_set(err, ERR_CHILD, "may dump core");
	if (prctl(PR_GET_PDEATHSIG, &death) < 0 || death != SIGKILL)
		return err_set(err, ERR_CHILD, "would outlive its parent");
	if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(err, ERR_CHILD, "can be traced or gain rights");
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	if (usr1.sa_handler != SIG_DFL || usr2.sa_handler != SIG_DFL)
		return err_set(err, ERR_CHILD, "has the parent's handlers");
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGUSR1))
		return err_set(err, ERR_CHILD, "signals are blocked");
	/* What ends the parent in order is for the parent alone, whoever else is sent it. */
	raise(SIGINT);
	raise(SIGTERM);
	raise(SIGHUP);
	return 0;
}

/* Gives the parent what a child must not have. */
static void take_rights(void)
{
	static const gid_t groups[] = {7, 8};
	struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};

	if (geteuid() != 0)
		return;
	assert_int_equal(setgroups(COUNT_OF(groups), groups), 0);
	assert_int_equal(setrlimit(RLIMIT_CORE, &core), 0);
}

static void on_signal(int number)
{
	(void)number;
}

static void test_what_the_child_is(void **state)
{
	static const struct {
		const char *name;
		role_work *work;
		bool needs_root;
	} cases[] = {
	    {"ids", work_check_ids, false},
	    {"groups", work_check_groups, true},
	    {"descriptors", work_check_descriptors, false},
	    {"process", work_check_process, false},
	};
	int foreign = fcntl(0, F_DUPFD, 200); /* without O_CLOEXEC */

	(void)state;
	assert_true(foreign >= 200);
	take_rights();
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct blob blob = {0};
		struct err err = {{0}};

		if (cases[i].needs_root && geteuid() != 0)
			continue;
		if (run(cases[i].work, &foreign, &blob, &err) != 0)
			case_fail(cases[i].name, "%s", err.text);
		blob_release(&blob);
	}
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	close(foreign);
}

static int work_check_terminal(void *arg, struct bytes *out, struct err *err)
{
	(void)arg;
	(void)out;
	for (int fd = 0; fd <= 2; fd++)
		if (isatty(fd) || fcntl(fd, F_GETFD) < 0)
			return err_set(
			    err, ERR_CHILD, "descriptor %d is the terminal, or closed", fd);
	if (open("/dev/tty", O_RDWR) >= 0)
		return err_set(err, ERR_CHILD, "has the terminal");
	return 0;
}

/* A process with a terminal of its own on 0 to 2, as an admin's shell starts the command. */
static void __attribute__((noreturn)) be_at_a_terminal(int report)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), terminal;
	struct blob blob = {0};
	struct err err = {{0}};

	if (setsid() < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    (terminal = open(ptsname(master), O_RDWR)) < 0)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++)
		dup2(terminal, fd);
	if (!isatty(0) || open("/dev/tty", O_RDWR) < 0)
		err_set(&err, 0, "there is no terminal to begin with");
	else if (role_collect(&role, work_check_terminal, NULL, &blob, &err) == 0)
		err.text[0] = '\0';
	_exit(io_write_all(report, err.text, sizeof(err.text)) == 0 ? 0 : 1);
}

/* It neither reads the admin's terminal, nor writes to it, nor types into it. */
static void test_terminal(void **state)
{
	struct err err = {{0}};
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_at_a_terminal(ends[1]);
	close(ends[1]);
	assert_int_equal(io_read_all(ends[0], err.text, sizeof(err.text)), sizeof(err.text));
	assert_string_equal(err.text, "");
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_parent_is_unchanged(void **state)
{
	struct blob blob = {0};
	struct err err;
	sigset_t before = {0}, after = {0};
	int first = dup(0), second;
	uint32_t number = 0;

	(void)state;
	close(first);
	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(run(work_echo, &number, &blob, &err), 0);
	blob_release(&blob);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	second = dup(0);
	close(second);
	assert_int_equal(first, second); /* no descriptor was left behind */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

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

/* End of file is no proof of the end: such a child must not hold the parent in waitpid. */
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
	assert_int_equal(role_collect(&role, work_close_and_hang, NULL, &blob, &err), ERR_CHILD);
}

static void test_finish_without_start(void **state)
{
	struct role_child child = {0};
	struct blob blob = {0};
	struct err err;

	(void)state;
	assert_int_equal(role_finish(&child, INT64_MAX, &blob, &err), ERR_CHILD);
	assert_int_equal(fcntl(0, F_GETFD) >= 0, 1); /* the zero value is no descriptor 0 */
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

/* Writes its own trailer, as a child would that was taken over. */
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

/* ---- rights and ends */

/*
 * The death signal is lost at a change of ids unless it is set after it, so this is tried and not
 * believed.
 */
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
	assert_int_equal(read(ends[0], &byte, 1), 0); /* its child held the other end and is gone */
	close(ends[0]);
}

/* Without rights: oneself yes, anybody else no. */
static int as_nobody(void)
{
	struct role other = {.uid = role.uid + 1, .gid = role.gid, .name = "other"};
	struct role root = {.uid = 0, .gid = 0, .name = "root"};
	struct role_child child = {0};
	struct blob blob = {0};
	uint32_t number = 0;
	struct err err;

	if (geteuid() == 0 && role_assume(&role, false, &err) < 0)
		return 1;
	if (role_collect(&role, work_check_ids, NULL, &blob, &err) != 0)
		return 2;
	blob_release(&blob);
	if (role_start(&child, &other, work_echo, &number, &err) != -EPERM)
		return 3;
	if (role_start(&child, &root, work_echo, &number, &err) != -EPERM)
		return 4;
	return child.pid == 0 ? 0 : 5;
}

static void test_unprivileged_caller(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/*
 * An index that belongs to root is read as root: legal, though only where the caller asks for it.
 */
static void test_role_root(void **state)
{
	struct role root = {.uid = 0, .gid = 0, .name = "root"};
	struct blob blob = {0};
	uint32_t number = 0;
	struct err err;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(role_collect(&root, work_echo, &number, &blob, &err), 0);
	blob_release(&blob);
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
	    cmocka_unit_test(test_what_the_child_is),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_parent_is_unchanged),
	    cmocka_unit_test(test_crash),
	    cmocka_unit_test(test_hang_ends_at_the_deadline),
	    cmocka_unit_test(test_closing_early_does_not_help),
	    cmocka_unit_test(test_finish_without_start),
	    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_child_dies_with_its_parent),
	    cmocka_unit_test(test_unprivileged_caller),
	    cmocka_unit_test(test_role_root),
	};

	return cmocka_run_group_tests(tests, choose_role, NULL);
}
