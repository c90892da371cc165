/* SPDX-License-Identifier: ISC */
/* One at a time among processes of root. */
#include "purge/door/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define STEP 20000 /* microseconds between tries */

int turn_take(const char *directory, const char *name, int64_t patience, int *ret, struct err *err)
{
	int64_t deadline = clock_steady() + patience;
	int fd, dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fd = dir < 0 ? -1 : openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	io_close(&dir);
	if (fd < 0)
		return err_sys(err, errno, "failed to open '%s/%s'", directory, name);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (clock_steady() > deadline) {
			close(fd);
			return err_set(err, ERR_TIMEOUT, "another one is still at work");
		}
		usleep(STEP);
	}
	*ret = fd;
	return 0;
}
