/* SPDX-License-Identifier: ISC */
/*
 * Stops a reader of the index in the middle of its transaction, for LD_PRELOAD: the process stops
 * itself at its $PQPURGE_STOP_AT-th call of mdb_cursor_get(), where no system call can be waited
 * for.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

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
