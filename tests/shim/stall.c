/* SPDX-License-Identifier: ISC */
/*
 * For LD_PRELOAD: a disk that misbehaves while $PQPURGE_SHIM_DIR contains one of these files:
 *   hang     writes and syncs wait until it is gone
 *   enospc   writes fail with ENOSPC, even into preallocated space
 *   delay    each sync takes 1.5 s longer
 * Only regular files are affected, so that sockets and logs go on; with $PQPURGE_SHIM_UNDER only
 * those below that directory.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int told(const char *what)
{
	const char *directory = getenv("PQPURGE_SHIM_DIR");
	char path[4096];

	if (!directory)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", directory, what);
	return access(path, F_OK) == 0;
}

static int is_ours(int fd)
{
	const char *under = getenv("PQPURGE_SHIM_UNDER");
	char link[64], path[4096];
	ssize_t len;

	if (!under)
		return 1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	return strncmp(path, under, strlen(under)) == 0;
}

/* 0, or -1 with errno set to fail the call. */
static int misbehave(int fd, int is_sync)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_ours(fd))
		return 0;
	while (told("hang"))
		usleep(5000);
	if (is_sync && told("delay"))
		usleep(1500000);
	if (!is_sync && told("enospc")) {
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

#define PASS_WRITE(name, ...)                                                                      \
	static ssize_t (*real)(int, __VA_ARGS__);                                                  \
	if (!real)                                                                                 \
		real = (ssize_t(*)(int, __VA_ARGS__))dlsym(RTLD_NEXT, name);                       \
	if (misbehave(fd, 0) != 0)                                                                 \
	return -1

ssize_t pwrite(int fd, const void *at, size_t len, off_t where)
{
	PASS_WRITE("pwrite", const void *, size_t, off_t);
	return real(fd, at, len, where);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off64_t where)
{
	PASS_WRITE("pwrite64", const void *, size_t, off64_t);
	return real(fd, at, len, where);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t where)
{
	PASS_WRITE("pwritev", const struct iovec *, int, off_t);
	return real(fd, parts, count, where);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t where)
{
	PASS_WRITE("pwritev64", const struct iovec *, int, off64_t);
	return real(fd, parts, count, where);
}

/* LMDB's way of writing adjacent pages. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	PASS_WRITE("writev", const struct iovec *, int);
	return real(fd, parts, count);
}

#define PASS_SYNC(name)                                                                            \
	static int (*real)(int);                                                                   \
	if (!real)                                                                                 \
		real = (int (*)(int))dlsym(RTLD_NEXT, name);                                       \
	if (misbehave(fd, 1) != 0)                                                                 \
	return -1

int fdatasync(int fd)
{
	PASS_SYNC("fdatasync");
	return real(fd);
}

int fsync(int fd)
{
	PASS_SYNC("fsync");
	return real(fd);
}
