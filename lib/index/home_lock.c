/* SPDX-License-Identifier: ISC */
/* The writer's lock. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/str.h"
#include "index/data_file.h"
#include "index/home_lock.h"

#define HOME_LOCK "lock"
#define ATTEMPTS  10

bool home_lock_is_current(int fd, const char *directory)
{
	char *path = data_file_path(directory, HOME_LOCK);
	struct stat on_disk, opened;
	bool current = true;

	if (path && fstat(fd, &opened) == 0) {
		if (lstat(path, &on_disk) != 0)
			current = errno != ENOENT && errno != ENOTDIR;
		else
			current =
			    on_disk.st_dev == opened.st_dev && on_disk.st_ino == opened.st_ino;
	}
	free(path);
	return current;
}

/* The program's name, as its pid has it; "" where it cannot be read. */
static void name_of(long pid, char *buf, size_t size)
{
	char path[64], raw[64];
	int fd;
	ssize_t len = -1;

	buf[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		len = io_read_all(fd, raw, sizeof raw - 1);
	io_close(&fd);
	if (len <= 0)
		return;
	raw[len] = '\0';
	raw[strcspn(raw, "\n")] = '\0';
	(void)str_scrub(buf, size, raw);
}

static int locked_by(int fd, const char *directory, struct err *err)
{
	char text[24] = "", name[64];
	ssize_t len = pread(fd, text, sizeof text - 1, 0);
	long pid = len > 0 && isdigit((unsigned char)text[0]) ? strtol(text, NULL, 10) : 0;

	if (pid <= 0)
		return err_set(
		    err, ERR_LOCKED, "index '%s' is in use by another process", directory);
	name_of(pid, name, sizeof name);
	return err_set(err, ERR_LOCKED, "index '%s' is in use by pid %ld%s%s%s", directory, pid,
	    name[0] ? " (" : "", name, name[0] ? ")" : "");
}

static int take(int fd, const char *directory, struct err *err)
{
	char text[24];

	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return locked_by(fd, directory, err);
		return err_sys(err, errno, "failed to lock index '%s'", directory);
	}
	(void)snprintf(text, sizeof text, "%ld\n", (long)getpid());
	/* On a full disk the lock holds all the same; only its owner's pid is not told. */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, strlen(text), 0);
	return 0;
}

int home_lock(const char *directory, int *ret_fd, struct err *err)
{
	char *path = data_file_path(directory, HOME_LOCK);
	int code = ERR_LOCKED;

	if (!path)
		return err_sys(err, ENOMEM, "failed to lock index '%s'", directory);
	(void)err_set(err, ERR_LOCKED, "index '%s' is being replaced", directory);
	/* A lock on a file that is no longer in the directory would keep nobody out. */
	for (int i = 0; i < ATTEMPTS; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0) {
			code = err_sys(err, errno, "failed to open '%s'", path);
			break;
		}
		code = take(fd, directory, err);
		if (code == 0 && home_lock_is_current(fd, directory)) {
			*ret_fd = fd;
			break;
		}
		io_close(&fd);
		if (code != 0)
			break;
		code = ERR_LOCKED;
	}
	free(path);
	return code;
}
