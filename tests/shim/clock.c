/* SPDX-License-Identifier: ISC */
/*
 * LD_PRELOAD for tests that would have to wait: a wall clock that is PQPURGE_CLOCK_AHEAD seconds
 * ahead. The steady clock stays what it is.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *ret)
{
	static int (*next)(clockid_t, struct timespec *);
	static long ahead;
	int code;

	if (!next) {
		const char *text = getenv("PQPURGE_CLOCK_AHEAD");

		ahead = text ? atol(text) : 0;
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	}
	code = next(id, ret);
	if (code == 0 && id == CLOCK_REALTIME)
		ret->tv_sec += ahead;
	return code;
}
