/* SPDX-License-Identifier: ISC */
/*
 * For LD_PRELOAD: stops a child of the command at a point that no system call marks. This is a
 * reader of the index in the middle of its transaction, at its $PQPURGE_STOP_AT-th call of
 * mdb_cursor_get(), or a reader of the queue, when it opens its first file as user number
 * $PQPURGE_STOP_USER.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

int mdb_cursor_get(void *cursor, void *key, void *value, int op);

int mdb_cursor_get(void *cursor, void *key, void *value, int op)
{
	static int (*real)(void *, void *, void *, int);
	static long calls;
	const char *at = getenv("PQPURGE_STOP_AT");

	if (!real)
		real = (int (*)(void *, void *, void *, int))dlsym(RTLD_NEXT, "mdb_cursor_get");
	if (at && ++calls == atol(at))
		raise(SIGSTOP);
	return real(cursor, key, value, op);
}

int openat(int directory, const char *path, int flags, ...)
{
	static int (*real)(int, const char *, int, ...);
	static int stopped;
	const char *user = getenv("PQPURGE_STOP_USER");
	mode_t mode = 0;
	va_list rest;

	va_start(rest, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(rest, mode_t);
	va_end(rest);
	if (!real)
		real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	if (user && !stopped && geteuid() == (uid_t)atol(user)) {
		stopped = 1;
		raise(SIGSTOP);
	}
	return real(directory, path, flags, mode);
}
