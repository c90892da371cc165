/* SPDX-License-Identifier: ISC */
/* A queue that takes long to read, for LD_PRELOAD: while the file $PQPURGE_NAMES_HANG is there, no
 * names of a directory are read. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void *next(const char *name)
{
	const char *path = getenv("PQPURGE_NAMES_HANG");

	while (path && access(path, F_OK) == 0)
		usleep(5000);
	return dlsym(RTLD_NEXT, name);
}

DIR *fdopendir(int fd)
{
	return ((DIR * (*)(int)) next("fdopendir"))(fd);
}

ssize_t getdents64(int fd, void *buffer, size_t size)
{
	return ((ssize_t(*)(int, void *, size_t))next("getdents64"))(fd, buffer, size);
}
