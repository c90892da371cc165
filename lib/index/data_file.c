/* SPDX-License-Identifier: ISC */
/* The index's data file as a file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "index/data_file.h"

#define MARK     "damaged"
#define NO_SPACE (UINT64_C(1) << 20) /* bytes free below which a failed write means a full disk */

char *data_file_path(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

bool data_file_exists(const char *directory)
{
	char *path = data_file_path(directory, DATA_FILE);
	struct stat st;
	bool there = true;

	if (path && stat(path, &st) != 0)
		there = errno != ENOENT && errno != ENOTDIR;
	else if (path)
		there = st.st_size > 0;
	free(path);
	return there;
}

int data_file_check(int fd, const char *directory, const char *name)
{
	char *path = data_file_path(directory, name);
	struct stat on_disk, opened;
	int code = 0;

	if (!path)
		return 0; /* no memory is no proof */
	if (fstat(fd, &opened) != 0 || opened.st_nlink == 0)
		code = ERR_STALE;
	else if (stat(path, &on_disk) != 0)
		code = errno == ENOENT || errno == ENOTDIR ? ERR_STALE : 0;
	else if (on_disk.st_dev != opened.st_dev || on_disk.st_ino != opened.st_ino)
		code = ERR_STALE;
	free(path);
	return code;
}

int data_file_preallocate(int fd, uint64_t bytes, uint64_t limit)
{
	struct stat st;
	uint64_t size, allocated, want;

	if (fstat(fd, &st) != 0)
		return -errno;
	size = (uint64_t)st.st_size;
	allocated = (uint64_t)st.st_blocks * 512;
	if (size >= limit)
		return 0;
	if (bytes > limit - size)
		bytes = limit - size;
	if (allocated >= size + bytes)
		return 0;
	want = bytes + bytes / 2;
	if (want > limit - size)
		want = limit - size;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)want) == 0)
		return 0;
	if (errno == ENOSPC && fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)bytes) == 0)
		return 0;
	return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
}

int data_file_reach(int fd, uint64_t last_page, uint64_t limit)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = (last_page + 1) * page;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (last_page >= limit / page || (uint64_t)st.st_size >= size)
		return 0;
	return ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
}

bool data_file_disk_full(int fd)
{
	struct statvfs fs;
	uint64_t blocks;

	if (fstatvfs(fd, &fs) != 0)
		return false;
	blocks = geteuid() == 0 ? fs.f_bfree : fs.f_bavail;
	return blocks * fs.f_frsize < NO_SPACE;
}

void data_file_mark(const char *directory)
{
	char *path = data_file_path(directory, MARK);
	int fd =
	    path ? open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600) : -1;

	io_close(&fd);
	free(path);
}

bool data_file_is_marked(const char *directory)
{
	char *path = data_file_path(directory, MARK);
	bool marked = path && access(path, F_OK) == 0;

	free(path);
	return marked;
}

void data_file_unmark(const char *directory)
{
	char *path = data_file_path(directory, MARK);

	if (path)
		(void)unlink(path);
	free(path);
}
