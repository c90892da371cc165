/* SPDX-License-Identifier: ISC */
#include "index/store/data_file.h"

#include <sys/statvfs.h>

#include "base/bytes.h"
#include "base/io.h"

#define SUM_BLOCK (128 << 10) /* bytes; fits a cache */
#define LOCK_SIZE 20480       /* bytes: LMDB's header and 254 readers of 64 bytes */

uint64_t data_file_free(int fd)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) != 0)
		return UINT64_MAX;
	return (uint64_t)(geteuid() == 0 ? fs.f_bfree : fs.f_bavail) * fs.f_frsize;
}

bool data_file_is(const char *path, int fd)
{
	struct stat on_disk, opened;

	if (fstat(fd, &opened) != 0 || opened.st_nlink == 0)
		return false;
	if (stat(path, &on_disk) != 0)
		return errno != ENOENT && errno != ENOTDIR;
	return on_disk.st_dev == opened.st_dev && on_disk.st_ino == opened.st_ino;
}

/* Each block's sum is hashed with the next block. */
static int sum_blocks(int fd, unsigned char *block, uint64_t *ret)
{
	uint64_t sum = 0;
	ssize_t len;

	do {
		memcpy(block, &sum, sizeof sum);
		len = io_read_all(fd, block + sizeof sum, SUM_BLOCK);
		if (len < 0)
			return (int)len;
		sum = bytes_hash(block, sizeof sum + (size_t)len);
	} while (len == SUM_BLOCK);
	*ret = sum;
	return 0;
}

int data_file_sum(const char *path, uint64_t *ret)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	unsigned char *block = malloc(sizeof *ret + SUM_BLOCK);
	int code = fd < 0 ? -errno : -ENOMEM;

	if (fd >= 0 && block)
		code = sum_blocks(fd, block, ret);
	free(block);
	io_close(&fd);
	return code;
}

/* LMDB's lock file lists the data file's readers; without that file the list is void. */
static int remove_lock_file(const char *path)
{
	char *lock;
	int code = 0;

	if (asprintf(&lock, "%s-lock", path) < 0)
		return -ENOMEM;
	if (unlink(lock) != 0 && errno != ENOENT)
		code = -errno;
	free(lock);
	return code;
}

int data_file_reserve_lock(const char *path)
{
	char *lock;
	int fd, code;

	if (asprintf(&lock, "%s-lock", path) < 0)
		return -ENOMEM;
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	code = fd < 0 ? -errno : -posix_fallocate(fd, 0, LOCK_SIZE);
	io_close(&fd);
	free(lock);
	return code;
}

int data_file_set_aside(const char *path)
{
	char *bad;
	int code = 0;

	if (asprintf(&bad, "%s.bad", path) < 0)
		return -ENOMEM;
	if (rename(path, bad) != 0 && errno != ENOENT)
		code = -errno;
	free(bad);
	return code == 0 ? remove_lock_file(path) : code;
}

int data_file_remove(const char *path)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	return remove_lock_file(path);
}
