/* SPDX-License-Identifier: ISC */
/* The properties of a child, and what it must not be able to do. As root it becomes nobody; without
 * root it stays the same user. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/base/role_child.h"

/* ---- properties of the child; each failed check returns its number */

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
	/* Signals that end the parent in order are for the parent alone, even if the child gets
	 * them, too. */
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

/* A process with its own terminal on 0 to 2, as for a command that an admin's shell starts. */
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
	else if (role_ask(&role, NULL, ROLE_TIME, work_check_terminal, NULL, &blob, &err) == 0)
		err.text[0] = '\0';
	_exit(io_write_all(report, err.text, sizeof(err.text)) == 0 ? 0 : 1);
}

/* The child neither reads from the admin's terminal, nor writes or types into it. */
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

/* Without rights it may become itself, but nobody else. */
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
	if (role_ask(&role, NULL, ROLE_TIME, work_check_ids, NULL, &blob, &err) != 0)
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

/* An index that belongs to root is read as root, which is allowed only if the caller asks for
 * it. */
static void test_role_root(void **state)
{
	struct role root = {.uid = 0, .gid = 0, .name = "root"};
	struct blob blob = {0};
	uint32_t number = 0;
	struct err err;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(role_ask(&root, NULL, ROLE_TIME, work_echo, &number, &blob, &err), 0);
	blob_release(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_the_child_is),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_parent_is_unchanged),
	    cmocka_unit_test(test_unprivileged_caller),
	    cmocka_unit_test(test_role_root),
	};

	return cmocka_run_group_tests(tests, choose_role, NULL);
}
