/* SPDX-License-Identifier: ISC */
#include "index/index_lock.h"

#include <sys/file.h>

#include "base/io.h"
#include "base/str.h"
#include "index/index.h"
#include "index/store/data_file.h"

#define ATTEMPTS  10
#define FORM      "%-10ld\n%-36.36s\n%-10u\n%-10u\n%016" PRIx64 "\n"
#define TEXT_SIZE 96
#define BOOT_ID   "/proc/sys/kernel/random/boot_id"

static char *path_of(const char *directory)
{
	char *path;

	return asprintf(&path, "%s/" INDEX_LOCK, directory) < 0 ? NULL : path;
}

bool index_lock_is_current(const struct index_lock *lock, const char *directory)
{
	char *path = path_of(directory);
	bool current = !path || data_file_is(path, lock->fd);

	free(path);
	return current;
}

void index_lock_note(const struct index_lock *lock)
{
	char text[TEXT_SIZE];
	int len = snprintf(text, sizeof text, FORM, (long)getpid(), lock->boot, lock->version,
	    lock->deaths, lock->sum);

	if (len > 0 && (size_t)len < sizeof text)
		(void)!pwrite(lock->fd, text, (size_t)len, 0);
}

static long read_text(int fd, struct index_lock *ret)
{
	char text[TEXT_SIZE + 1] = "";
	ssize_t len = pread(fd, text, TEXT_SIZE, 0);
	unsigned version = 0, deaths = 0;
	uint64_t sum = 0;
	long pid = 0;

	ret->fd = fd;
	if (len > 0 && sscanf(text, "%ld %36s %u %u %16" SCNx64, &pid, ret->boot, &version, &deaths,
			   &sum) == 5) {
		ret->version = version;
		ret->deaths = deaths;
		ret->sum = sum;
	} else {
		ret->boot[0] = '\0';
	}
	return pid;
}

int index_lock_boot(char ret[INDEX_LOCK_BOOT + 1])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -errno : io_read_all(fd, ret, INDEX_LOCK_BOOT);

	io_close(&fd);
	if (len != INDEX_LOCK_BOOT)
		return len < 0 ? (int)len : -EIO;
	ret[INDEX_LOCK_BOOT] = '\0';
	return 0;
}

static void process_name(long pid, char *buf, size_t size)
{
	char path[64], raw[64];

	(void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	AUTO(io_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = io_read_all(fd, raw, sizeof raw - 1);

	raw[len > 0 ? len : 0] = '\0';
	raw[strcspn(raw, "\n")] = '\0';
	(void)str_scrub(buf, size, raw);
}

static int locked_by(int fd, const char *directory, struct err *err)
{
	struct index_lock lock = {0};
	long pid = read_text(fd, &lock);
	char name[64];

	if (pid <= 0)
		return err_set(
		    err, ERR_LOCKED, "index '%s' is in use by another process", directory);
	process_name(pid, name, sizeof name);
	return err_set(err, ERR_LOCKED, "index '%s' is in use by pid %ld%s%s%s", directory, pid,
	    name[0] ? " (" : "", name, name[0] ? ")" : "");
}

static int open_failed(const char *directory, const char *path, struct err *err)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, ERR_NO_INDEX,
		    "no directory '%s' (has pqpurge-milter run with this configuration?)",
		    directory);
	return err_sys(err, errno, "failed to open '%s'", path);
}

static int take(int fd, const char *directory, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return locked_by(fd, directory, err);
	return err_sys(err, errno, "failed to lock index '%s'", directory);
}

/* Checks the file after locking, because a lock on a replaced file would keep nobody out. */
int index_lock_take(const char *directory, struct index_lock *ret, struct err *err)
{
	struct index_lock lock = {.fd = -1};
	char *path = path_of(directory);
	int code = err_set(err, ERR_LOCKED, "index '%s' is being replaced", directory);

	if (!path)
		return err_sys(err, ENOMEM, "failed to lock index '%s'", directory);
	for (int i = 0; i < ATTEMPTS; i++) {
		lock.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		code =
		    lock.fd < 0 ? open_failed(directory, path, err) : take(lock.fd, directory, err);
		if (code != 0 || index_lock_is_current(&lock, directory))
			break;
		io_close(&lock.fd);
		code = ERR_LOCKED;
	}
	free(path);
	if (code != 0) {
		io_close(&lock.fd);
		return code;
	}
	(void)read_text(lock.fd, &lock);
	*ret = lock;
	return 0;
}
