/* SPDX-License-Identifier: ISC */
/* The path of the control socket and what lies there. */
#include "milter/control_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "index/index.h"

#define BACKLOG 128 /* a client that does not wait finds no room past it */

int control_socket_init(struct control_socket *s, const char *directory, struct err *err)
{
	size_t size = sizeof(s->address.sun_path);

	*s = (struct control_socket){.address = {.sun_family = AF_UNIX}, .fd = -1};
	if ((size_t)snprintf(s->address.sun_path, size, "%s/%s", directory, INDEX_SOCKET) < size)
		return 0;
	return err_set(
	    err, ERR_CONFIG, "index_directory '%s' is too long for the socket in it", directory);
}

/* Another daemon's, that has this index_directory by mistake. A dead one's refuses. */
static bool is_alive(const struct control_socket *s, int fd)
{
	return connect(fd, (const struct sockaddr *)&s->address, sizeof(s->address)) == 0 ||
	       errno == EAGAIN;
}

static int listen_at(struct control_socket *s)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (is_alive(s, fd)) {
		close(fd);
		return -EADDRINUSE;
	}
	unlink(s->address.sun_path);
	if (bind(fd, (struct sockaddr *)&s->address, sizeof(s->address)) != 0 ||
	    chmod(s->address.sun_path, 0600) != 0 || listen(fd, BACKLOG) != 0 ||
	    lstat(s->address.sun_path, &st) != 0) {
		int code = -errno;

		close(fd);
		return code;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->fd = fd;
	return 0;
}

static bool is_ours(const struct control_socket *s)
{
	struct stat st;

	return s->fd >= 0 && lstat(s->address.sun_path, &st) == 0 && st.st_dev == s->dev &&
	       st.st_ino == s->ino;
}

void control_socket_keep(struct control_socket *s)
{
	if (is_ours(s))
		return;
	io_close(&s->fd);
	int code = listen_at(s);
	if (code && !s->complained)
		log_warning("failed to make '%s' (%s), trying again each second",
		    s->address.sun_path, strerror(-code));
	s->complained = code != 0;
}

void control_socket_remove(struct control_socket *s)
{
	if (is_ours(s))
		unlink(s->address.sun_path);
	io_close(&s->fd);
}
