/* SPDX-License-Identifier: ISC */
/*
 * For LD_PRELOAD, so that tests need not wait: a wall clock that is PQPURGE_CLOCK_AHEAD seconds
 * ahead, and a steady clock that has leapt 61 seconds for each byte of the file
 * PQPURGE_CLOCK_LEAPS. So the test decides when a minute has passed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define LEAP 61

static long leaps(void)
{
	const char *path = getenv("PQPURGE_CLOCK_LEAPS");
	int kept = errno;
	struct stat st;
	long count = path && stat(path, &st) == 0 ? (long)st.st_size : 0;

	errno = kept;
	return count;
}

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
	if (code == 0 && id == CLOCK_MONOTONIC)
		ret->tv_sec += LEAP * leaps();
	return code;
}
