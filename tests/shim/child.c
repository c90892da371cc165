/* SPDX-License-Identifier: ISC */
/*
 * For LD_PRELOAD: children that become another user are stopped. From the $PQPURGE_STOP_CHILD-th
 * child that the command forks on, each stops itself before its work, as soon as it has become
 * another user for good.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static int forked;

pid_t fork(void)
{
	pid_t (*real)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");

	forked++;
	return real();
}

int prctl(int option, ...)
{
	int (*real)(int, ...) = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
	const char *first = getenv("PQPURGE_STOP_CHILD");
	unsigned long values[4];
	va_list rest;
	int done;

	va_start(rest, option);
	for (int n = 0; n < 4; n++)
		values[n] = va_arg(rest, unsigned long);
	va_end(rest);
	done = real(option, values[0], values[1], values[2], values[3]);
	if (option == PR_SET_NO_NEW_PRIVS && first && forked >= atoi(first) && geteuid() != 0)
		raise(SIGSTOP);
	return done;
}
