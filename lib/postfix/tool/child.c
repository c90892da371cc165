/* SPDX-License-Identifier: ISC */
/* Starting a program of Postfix: posix_spawn, because the caller may be large and a fork of it
 * slow. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/tool/child.h"

static char *const environment[] = {
    (char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
    (char[]){"LC_ALL=C"},
    NULL,
};

static int direct(posix_spawn_file_actions_t *actions, int fd, int to)
{
	if (fd < 0)
		return posix_spawn_file_actions_addopen(
		    actions, to, "/dev/null", to ? O_WRONLY : O_RDONLY, 0);
	return posix_spawn_file_actions_adddup2(actions, fd, to);
}

static int plan_descriptors(posix_spawn_file_actions_t *actions, const int fds[3])
{
	int e = 0;
	for (int n = 0; n < 3 && !e; n++)
		e = direct(actions, fds[n], n);
	return e ? e : posix_spawn_file_actions_addclosefrom_np(actions, 3);
}

static int plan_signals(posix_spawnattr_t *attributes)
{
	static const int defaults[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1,
	    SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t none, usual;
	int e;

	sigemptyset(&none);
	sigemptyset(&usual);
	for (size_t n = 0; n < COUNT_OF(defaults); n++)
		sigaddset(&usual, defaults[n]);
	if ((e = posix_spawnattr_setsigmask(attributes, &none)) != 0 ||
	    (e = posix_spawnattr_setsigdefault(attributes, &usual)) != 0 ||
	    (e = posix_spawnattr_setpgroup(attributes, 0)) != 0)
		return e;
	return posix_spawnattr_setflags(
	    attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int child_spawn(const char *const argv[], int in, int out, int errors, pid_t *ret, struct err *err)
{
	const int fds[3] = {in, out, errors};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int e;

	if ((e = posix_spawn_file_actions_init(&actions)) != 0)
		return err_sys(err, e, "failed to start %s", argv[0]);
	if ((e = posix_spawnattr_init(&attributes)) != 0)
		goto out;
	if ((e = plan_descriptors(&actions, fds)) == 0 && (e = plan_signals(&attributes)) == 0)
		e = posix_spawn(
		    ret, argv[0], &actions, &attributes, (char *const *)argv, environment);
	posix_spawnattr_destroy(&attributes);
out:
	posix_spawn_file_actions_destroy(&actions);
	return e ? err_sys(err, e, "failed to start %s", argv[0]) : 0;
}

int child_watch(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int child_end(pid_t pid, bool at_once, int64_t deadline, bool *ret_late)
{
	int status = 0;
	int watch = child_watch(pid);

	*ret_late = false;
	if (!at_once && watch >= 0 && io_wait(watch, POLLIN, deadline) == 0)
		at_once = *ret_late = true;
	if (at_once)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	io_close(&watch);
	return status;
}
