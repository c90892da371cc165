/* SPDX-License-Identifier: ISC */
#include "index/control/wire.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/io.h"

#define PART  8192 /* bytes per read */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Room for one descriptor. If more come, the kernel closes and reports them. */
union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

void wire_init(struct wire *w, int socket)
{
	*w = (struct wire){.socket = socket, .fd = -1};
}

void wire_release(struct wire *w)
{
	io_close(&w->fd);
	strbuf_release(&w->in);
	strbuf_release(&w->line);
}

static int take_descriptor(struct wire *w, struct msghdr *header)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd)) {
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		if (w->fd >= 0) {
			io_close(&fd);
			return ERR_SYNTAX;
		}
		w->fd = fd;
	}
	return header->msg_flags & MSG_CTRUNC ? ERR_SYNTAX : 0;
}

/* Where the line of the last byte starts. One read(2) may return lines without a descriptor
 * followed by the start of a line with one, but nothing after that (Linux,
 * unix_stream_read_generic). */
static size_t last_line(const struct wire *w)
{
	size_t at = w->in.len - 1;

	while (at > 0 && w->in.text[at - 1] != '\n')
		at--;
	return at;
}

int wire_fill(struct wire *w)
{
	char part[PART];
	union control control;
	struct iovec into = {.iov_base = part, .iov_len = sizeof part};
	struct msghdr header = {.msg_iov = &into,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = CMSG_LEN(sizeof(int))}; /* not CMSG_SPACE, which has room for two */
	int before = w->fd, code;
	ssize_t got;

	if (w->in.len >= WIRE_LINE_MAX)
		return ERR_LIMIT;
	if (WIRE_LINE_MAX - w->in.len < into.iov_len)
		into.iov_len = WIRE_LINE_MAX - w->in.len;
	do
		got = recvmsg(w->socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	code = take_descriptor(w, &header);
	if (code != 0 || got == 0)
		return code;
	strbuf_add(&w->in, part, (size_t)got);
	if (w->in.failed)
		return -ENOMEM;
	if (w->fd != before)
		w->fd_line = last_line(w);
	return 1;
}

int wire_next(struct wire *w, struct json **ret, int *ret_fd, struct err *err)
{
	const char *line = strbuf_text(&w->in);
	const char *newline = memchr(line, '\n', w->in.len);
	size_t len;
	int fd = -1, code;

	if (!newline)
		return 0;
	len = (size_t)(newline - line);
	strbuf_clear(&w->line);
	strbuf_add(&w->line, line, len);
	w->in.len -= len + 1;
	memmove(w->in.text, w->in.text + len + 1, w->in.len + 1);
	if (w->fd >= 0 && w->fd_line == 0) {
		fd = w->fd;
		w->fd = -1;
	} else if (w->fd >= 0) {
		w->fd_line -= len + 1;
	}
	code = w->line.failed ? -ENOMEM : json_parse(strbuf_text(&w->line), len, ret, err);
	if (code != 0) {
		io_close(&fd);
		return code;
	}
	*ret_fd = fd;
	return 1;
}

int wire_receive(struct wire *w, struct json **ret, int *ret_fd, int64_t deadline, struct err *err)
{
	for (;;) {
		int code = wire_next(w, ret, ret_fd, err);

		if (code != 0)
			return code;
		code = io_wait(w->socket, POLLIN, deadline);
		if (code == 0)
			return err_set(err, ERR_TIMEOUT, "no answer in time");
		if (code > 0)
			code = wire_fill(w);
		if (code == 0)
			return 0;
		if (code < 0 && code != -EAGAIN)
			return err_set(
			    err, code, "failed to read from a socket (%s)", err_word(code));
	}
}

static ssize_t send_part(int socket, const char *at, size_t len, int fd)
{
	union control control = {{0}};
	struct iovec from = {.iov_base = (void *)(uintptr_t)at, .iov_len = len};
	struct msghdr header = {.msg_iov = &from, .msg_iovlen = 1};

	if (fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(sizeof fd);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
	}
	return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int send_all(int socket, const char *at, size_t len, int fd, int64_t deadline)
{
	while (len > 0) {
		ssize_t sent = send_part(socket, at, len, fd);
		int ready;

		if (sent > 0) {
			at += sent;
			len -= (size_t)sent;
			fd = -1;
			continue;
		}
		if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		ready = io_wait(socket, POLLOUT, deadline);
		if (ready <= 0)
			return ready == 0 ? ERR_TIMEOUT : ready;
	}
	return 0;
}

int wire_send_text(int socket, const struct strbuf *line, int fd, int64_t deadline)
{
	if (line->len > WIRE_LINE_MAX)
		return ERR_LIMIT;
	return send_all(socket, line->text, line->len, fd, deadline);
}

int wire_send(int socket, struct json *line, int fd, int64_t deadline)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	int code = json_write(&text, line);

	return code ?: wire_send_text(socket, &text, fd, deadline);
}

/* Only memory files have seals. */
int wire_map(int fd, struct blob *ret, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *map;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_CHILD, "the descriptor is not a sealed memory file");
	if (st.st_size < 0 || (uint64_t)st.st_size > WIRE_BODY_MAX)
		return err_set(err, ERR_CHILD, "the memory file that came is too long");
	if (st.st_size == 0) {
		*ret = (struct blob){0};
		return 0;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "failed to map a memory file");
	*ret = (struct blob){map, (size_t)st.st_size, map, (size_t)st.st_size};
	return 0;
}
