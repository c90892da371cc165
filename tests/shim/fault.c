/* SPDX-License-Identifier: ISC */
/*
 * For LD_PRELOAD: faults at a chosen moment, only on regular files:
 *   PQPURGE_FAIL_AT=N      the N-th write fails (counted over all threads of the process)
 *   PQPURGE_FAIL_COUNT=N   and so do the next N - 1
 *   PQPURGE_FAIL_ERRNO=N   with this errno; 0 makes the write short by half
 * Also a wrong wall clock: the microseconds in the file $PQPURGE_CLOCK are added to CLOCK_REALTIME
 * at every call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

/* 1: fail with errno set; 2: write half of it. */
static int misbehave(int fd)
{
	static atomic_long writes;
	long at = number("PQPURGE_FAIL_AT", 0), code = number("PQPURGE_FAIL_ERRNO", EIO);
	struct stat st;

	if (at == 0 || fd <= STDERR_FILENO || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	long count = atomic_fetch_add(&writes, 1) + 1;
	if (count < at || count >= at + number("PQPURGE_FAIL_COUNT", 1))
		return 0;
	errno = (int)code;
	return code ? 1 : 2;
}

#define REAL(result, name, ...)                                                                    \
	static result (*real)(__VA_ARGS__);                                                        \
	if (!real)                                                                                 \
	real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *at, size_t len)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	int how = misbehave(fd);
	return how == 1 ? -1 : real(fd, at, how == 2 ? len / 2 : len);
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t where)
{
	REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
	int how = misbehave(fd);
	return how == 1 ? -1 : real(fd, at, how == 2 ? len / 2 : len, where);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t where)
{
	REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
	int how = misbehave(fd);
	return how == 1 ? -1 : real(fd, at, how == 2 ? len / 2 : len, where);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t where)
{
	REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
	int how = misbehave(fd);
	return how == 1 ? -1 : real(fd, parts, how == 2 && count > 1 ? count / 2 : count, where);
}

int fdatasync(int fd)
{
	REAL(int, "fdatasync", int);
	return misbehave(fd) == 1 ? -1 : real(fd);
}

int fsync(int fd)
{
	REAL(int, "fsync", int);
	return misbehave(fd) == 1 ? -1 : real(fd);
}

int ftruncate(int fd, off_t len)
{
	REAL(int, "ftruncate", int, off_t);
	return misbehave(fd) == 1 ? -1 : real(fd, len);
}

/* ---- the clock */

static long offset(void)
{
	const char *path = getenv("PQPURGE_CLOCK");
	char text[32];

	if (!path)
		return 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return atol(text);
}

int clock_gettime(clockid_t which, struct timespec *ret)
{
	int code = (int)syscall(SYS_clock_gettime, which, ret);

	if (code == 0 && which == CLOCK_REALTIME) {
		long usec = offset(), sec = usec / 1000000;
		ret->tv_sec += sec;
		ret->tv_nsec += (usec - sec * 1000000) * 1000;
		if (ret->tv_nsec < 0) {
			ret->tv_nsec += 1000000000;
			ret->tv_sec--;
		} else if (ret->tv_nsec >= 1000000000) {
			ret->tv_nsec -= 1000000000;
			ret->tv_sec++;
		}
	}
	return code;
}
