/* SPDX-License-Identifier: ISC */
/* For LD_PRELOAD: a queue that takes long to read. While the file $PQPURGE_NAMES_HANG exists,
 * directories are not read; with $PQPURGE_NAMES_OF, only those of that name. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_meant(int fd)
{
	const char *of = getenv("PQPURGE_NAMES_OF"), *name;
	char link[64], path[4096] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!of || readlink(link, path, sizeof(path) - 1) < 0)
		return !of;
	name = strrchr(path, '/');
	return name && strcmp(name + 1, of) == 0;
}

static void *next(const char *name, int fd)
{
	const char *path = getenv("PQPURGE_NAMES_HANG");

	while (path && is_meant(fd) && access(path, F_OK) == 0)
		usleep(5000);
	return dlsym(RTLD_NEXT, name);
}

DIR *fdopendir(int fd)
{
	return ((DIR * (*)(int)) next("fdopendir", fd))(fd);
}

ssize_t getdents64(int fd, void *buffer, size_t size)
{
	return ((ssize_t(*)(int, void *, size_t))next("getdents64", fd))(fd, buffer, size);
}
