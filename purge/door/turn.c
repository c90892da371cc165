/* SPDX-License-Identifier: ISC */
#include "purge/door/turn.h"

#include <sys/file.h>

#include "base/clock.h"
#include "base/io.h"
#include "purge/interrupt.h"

#define STEP 20000 /* microseconds between tries */

/* Systemd's units can name any directory, so it is checked. */
static int open_file(const char *directory, const char *name, int *ret, struct err *err)
{
	int code = io_check_roots(directory, err);

	*ret = -1;
	if (code < 0)
		return code;
	AUTO(io_close) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*ret = dir < 0 ? -1 : openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *ret < 0 ? err_sys(err, errno, "failed to open '%s/%s'", directory, name) : 0;
}

int turn_take(const char *directory, const char *name, int64_t patience, int *ret, struct err *err)
{
	int64_t deadline = clock_steady() + patience;
	int fd, code = open_file(directory, name, &fd, err);

	if (code < 0)
		return code;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (interrupt_stop || clock_steady() > deadline) {
			close(fd);
			return interrupt_stop
				   ? err_set(err, ERR_STOPPED, "interrupted")
				   : err_set(err, ERR_TIMEOUT, "another process is still at work");
		}
		usleep(STEP);
	}
	*ret = fd;
	return 0;
}

int turn_place(const char *directory, uid_t uid, unsigned places, int *ret, struct err *err)
{
	int fd, code = open_file(directory, "places.lock", &fd, err);

	for (unsigned n = 0; code == 0 && n < places; n++) {
		struct flock byte = {.l_type = F_WRLCK,
		    .l_whence = SEEK_SET,
		    .l_start = (off_t)uid * TURN_PLACES_MAX + n,
		    .l_len = 1};

		if (fcntl(fd, F_OFD_SETLK, &byte) == 0) {
			*ret = fd;
			return 0;
		}
	}
	if (code == 0)
		close(fd);
	return code < 0
		   ? code
		   : err_set(err, ERR_LIMIT,
			 "%u orders of yours are under way; try again when one is done", places);
}
