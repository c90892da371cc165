/* SPDX-License-Identifier: ISC */
#include "milter/daemon_lock.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "rules/stored.h"

/* The daemon's user owns the directory, so root writes only to a regular file with one link. */
static int make_ours(const struct daemon_lock *l, int fd, struct err *err)
{
	struct stat st;
	char text[32];

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return err_set(
		    err, ERR_REFUSED, "'%s/" STORED_LOCK "' is not a plain file", l->directory);
	if (l->uid != (uid_t)-1 && fchown(fd, l->uid, l->gid) != 0)
		return err_sys(
		    err, errno, "failed to give '%s/" STORED_LOCK "' away", l->directory);
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
		log_debug(
		    "failed to write '%s/" STORED_LOCK "' (%s)", l->directory, strerror(errno));
	return 0;
}

/* Whether a daemon wrote its process ID there since boot. Commands leave the file empty. */
static bool was_held(int fd)
{
	struct timespec up;
	struct stat st;

	clock_gettime(CLOCK_BOOTTIME, &up);
	return fstat(fd, &st) == 0 && st.st_size > 0 &&
	       st.st_mtim.tv_sec >= clock_wall() / USEC_PER_SEC - up.tv_sec;
}

static int hold(struct daemon_lock *l, int fd, struct err *err)
{
	int code = make_ours(l, fd, err);

	io_close(code ? &fd : &l->fd);
	if (!code)
		l->fd = fd;
	return code;
}

int daemon_lock_take(struct daemon_lock *l, int64_t patience, struct err *err)
{
	struct err why = {{0}};
	int fd = -1, code = stored_lock(l->directory, clock_steady() + patience, &fd, &why);

	if (code == ERR_LOCKED)
		return err_set(err, code, "another daemon runs: %s", why.text);
	if (code) {
		log_warning("%s, going on", why.text);
		return 0;
	}
	l->ran_before = was_held(fd);
	return hold(l, fd, err);
}

void daemon_lock_keep(struct daemon_lock *l)
{
	struct stat ours, there;
	char *path;
	int fd = -1;

	if (asprintf(&path, "%s/" STORED_LOCK, l->directory) < 0)
		return;
	bool current = l->fd >= 0 && fstat(l->fd, &ours) == 0 && lstat(path, &there) == 0 &&
		       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	free(path);
	if (!current && stored_lock(l->directory, 0, &fd, NULL) == 0)
		(void)!hold(l, fd, NULL);
}
