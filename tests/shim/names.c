/* SPDX-License-Identifier: ISC */
/* A queue that takes long to read, for LD_PRELOAD: while the file $PQPURGE_NAMES_HANG is there, no
 * directory is opened for reading its names. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

DIR *fdopendir(int fd)
{
	DIR *(*real)(int) = (DIR * (*)(int)) dlsym(RTLD_NEXT, "fdopendir");
	const char *path = getenv("PQPURGE_NAMES_HANG");

	while (path && access(path, F_OK) == 0)
		usleep(5000);
	return real(fd);
}
