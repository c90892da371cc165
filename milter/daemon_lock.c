/* SPDX-License-Identifier: ISC */
/* state_directory/lock. */
#include "milter/daemon_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

#define RETRY (20 * INT64_C(1000))

static void put_path(const struct daemon_lock *l, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/lock", l->directory);
}

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

static int locked_by_another(int fd, const char *path, struct err *err)
{
	char text[32];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, ERR_LOCKED, "another daemon runs, process %s ('%s' is locked)",
	    text[0] ? text : "unknown", path);
}

/*
 * The directory is the daemon's user's, who may have put anything there: root writes only into what
 * is a plain file with no other name.
 */
static int make_ours(const struct daemon_lock *l, int fd, const char *path, struct err *err)
{
	struct stat st;
	char text[32];

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(err, ERR_REFUSED, "'%s' is not a plain file", path);
	if (l->uid != (uid_t)-1 && fchown(fd, l->uid, l->gid) != 0)
		return err_sys(err, errno, "failed to give '%s' away", path);
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		log_debug("failed to write '%s' (%s)", path, strerror(errno));
	return 0;
}

static int lock_file(
    const struct daemon_lock *l, int fd, const char *path, int64_t patience, struct err *err)
{
	int64_t until = clock_steady() + patience;
	struct timespec step = {.tv_nsec = RETRY * 1000};

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, errno, "failed to lock '%s'", path);
		if (clock_steady() >= until)
			return locked_by_another(fd, path, err);
		nanosleep(&step, NULL);
	}
	return make_ours(l, fd, path, err);
}

int daemon_lock_take(struct daemon_lock *l, int64_t patience, struct err *err)
{
	char path[PATH_MAX];

	put_path(l, path);
	l->fd = open_file(path);
	if (l->fd < 0) {
		log_warning("failed to open '%s' (%s), going on", path, strerror(errno));
		return 0;
	}
	int code = lock_file(l, l->fd, path, patience, err);
	if (code)
		io_close(&l->fd);
	return code;
}

void daemon_lock_keep(struct daemon_lock *l)
{
	struct stat ours, there;
	char path[PATH_MAX];
	int fd;

	put_path(l, path);
	if (l->fd >= 0 && fstat(l->fd, &ours) == 0 && lstat(path, &there) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		return;
	fd = open_file(path);
	if (fd < 0)
		return;
	if (lock_file(l, fd, path, 0, NULL) == 0) {
		io_close(&l->fd);
		l->fd = fd;
	} else {
		io_close(&fd);
	}
}

void daemon_lock_release(struct daemon_lock *l)
{
	io_close(&l->fd);
}
