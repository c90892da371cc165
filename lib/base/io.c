/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <endian.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"

int io_write_all(int fd, const void *at, size_t len)
{
	const char *next = at;

	while (len > 0) {
		ssize_t done = write(fd, next, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		next += done;
		len -= (size_t)done;
	}
	return 0;
}

ssize_t io_read_all(int fd, void *at, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t done = read(fd, (char *)at + got, len - got);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			break;
		got += (size_t)done;
	}
	return (ssize_t)got;
}

int io_read_text(int fd, size_t max, struct strbuf *into)
{
	char part[16384];
	size_t sum = 0;
	ssize_t got;

	while ((got = io_read_all(fd, part, sizeof(part))) > 0) {
		sum += (size_t)got;
		strbuf_add(into, part, (size_t)got);
		if (sum > max || into->failed)
			return sum > max ? -EFBIG : -ENOMEM;
	}
	return (int)got;
}

int io_wait(int fd, short events, int64_t deadline)
{
	struct pollfd item = {.fd = fd, .events = events};

	for (;;) {
		struct timespec timeout, *limit = NULL;

		if (deadline != INT64_MAX) {
			int64_t now = clock_steady();
			int64_t left = deadline > now ? deadline - now : 0;

			timeout.tv_sec = (time_t)(left / USEC_PER_SEC);
			timeout.tv_nsec = (long)(left % USEC_PER_SEC * 1000);
			limit = &timeout;
		}
		int ready = ppoll(&item, 1, limit, NULL);
		if (ready > 0)
			return item.revents & POLLNVAL ? -EBADF : 1;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return 0;
	}
}

/* After a failed call: waits if errno says so. Returns 0 to try again, or a code. */
static int wait_again(int fd, short events, int64_t deadline)
{
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	int ready = io_wait(fd, events, deadline);
	return ready == 0 ? ERR_TIMEOUT : ready < 0 ? ready : 0;
}

static int send_all(int fd, const void *at, size_t len, int64_t deadline)
{
	const char *next = at;
	int code = 0;

	while (len > 0 && code == 0) {
		ssize_t done = send(fd, next, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0) {
			code = wait_again(fd, POLLOUT, deadline);
		} else {
			next += done;
			len -= (size_t)done;
		}
	}
	return code;
}

/* Returns less than len only if the peer closed; or a code. */
static ssize_t receive_all(int fd, void *at, size_t len, int64_t deadline)
{
	size_t got = 0;
	ssize_t done = 1;
	int code = 0;

	while (got < len && done != 0 && code == 0) {
		done = recv(fd, (char *)at + got, len - got, MSG_DONTWAIT);
		if (done < 0)
			code = wait_again(fd, POLLIN, deadline);
		else
			got += (size_t)done;
	}
	return code < 0 ? code : (ssize_t)got;
}

int io_frame_write(int fd, struct span payload, int64_t deadline)
{
	uint32_t len = htole32((uint32_t)payload.len);

	if (payload.len > IO_FRAME_MAX)
		return ERR_LIMIT;
	int code = send_all(fd, &len, sizeof(len), deadline);
	return code < 0 ? code : send_all(fd, payload.at, payload.len, deadline);
}

/* Memory grows with the data that came, not with the announced length. */
static int receive_payload(int fd, struct bytes *into, size_t len, int64_t deadline)
{
	unsigned char part[16384];

	while (len > 0) {
		size_t want = len < sizeof(part) ? len : sizeof(part);
		ssize_t got = receive_all(fd, part, want, deadline);

		if (got < 0)
			return (int)got;
		if ((size_t)got < want)
			return -ECONNRESET;
		bytes_put(into, part, want);
		if (into->failed)
			return -ENOMEM;
		len -= want;
	}
	return 1;
}

int io_frame_read(int fd, struct bytes *into, size_t max, int64_t deadline)
{
	uint32_t len = 0;
	ssize_t got = receive_all(fd, &len, sizeof(len), deadline);

	bytes_clear(into);
	if (got <= 0)
		return (int)got;
	if ((size_t)got < sizeof(len))
		return -ECONNRESET;
	len = le32toh(len);
	if (len > max || len > IO_FRAME_MAX)
		return ERR_LIMIT;
	return receive_payload(fd, into, len, deadline);
}

int io_sealed(const void *at, size_t len)
{
	int fd = memfd_create("pqpurge", MFD_CLOEXEC | MFD_ALLOW_SEALING), code;

	if (fd < 0)
		return -errno;
	code = io_write_all(fd, at, len);
	if (code == 0 && (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, IO_SEALS) < 0))
		code = -errno;
	if (code < 0)
		io_close(&fd);
	return code < 0 ? code : fd;
}

int io_guard_stdio(void)
{
	for (int want = 0; want <= 2; want++) {
		int fd;

		if (fcntl(want, F_GETFD) >= 0)
			continue;
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
		if (fd != want) { /* another thread was faster; nothing is lost */
			close(fd);
			return -EBUSY;
		}
	}
	return 0;
}

void io_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

ssize_t io_count_names(int fd, size_t most)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int code = -errno;
	ssize_t names = -2; /* "." and ".." */

	if (!dir) {
		io_close(&copy);
		return code;
	}
	while (names < (ssize_t)most && readdir(dir))
		names++;
	closedir(dir);
	return names < 0 ? -EIO : names;
}

bool io_is_roots(const char *path)
{
	char above[PATH_MAX];
	struct stat st;

	if (strlen(path) >= sizeof(above))
		return false;
	for (snprintf(above, sizeof(above), "%s", path);;) {
		char *slash = strrchr(above, '/');

		/* The owner of a link may redirect it. */
		if (lstat(above, &st) < 0 || st.st_uid != 0)
			return false;
		if (stat(above, &st) < 0 || st.st_uid != 0)
			return false;
		if (st.st_mode & (S_IWGRP | S_IWOTH) &&
		    !(S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX))
			return false;
		if (!slash || strcmp(above, "/") == 0)
			return true;
		slash[slash == above] = '\0';
	}
}

int io_check_roots(const char *directory, struct err *err)
{
	if (io_is_roots(directory))
		return 0;
	return err_set(err, ERR_CONFIG,
	    "'%s' and the directories above it must belong to root, and others must not be able to "
	    "write to them",
	    directory);
}
