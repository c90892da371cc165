/* SPDX-License-Identifier: ISC */
/* One connection to control.sock. */
#include "milter/peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "index/request.h"

#define HEAD 4 /* bytes of a frame's length */

bool peer_allowed(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	return who.uid == 0 || who.uid == geteuid();
}

void peer_open(struct peer *p, int fd, uint64_t number)
{
	*p = (struct peer){.fd = fd, .number = number, .deadline = clock_steady() + PEER_PATIENCE};
}

void peer_close(struct peer *p)
{
	io_close(&p->fd);
	bytes_release(&p->in);
	bytes_release(&p->out);
}

short peer_events(const struct peer *p)
{
	switch (p->state) {
	case PEER_READING:
		return POLLIN;
	case PEER_WRITING:
		return POLLOUT;
	case PEER_WAITING:
		break; /* a hangup is told all the same */
	}
	return 0;
}

/* How many bytes of the frame are still to come; negative: it is too long. */
static int64_t missing(const struct peer *p)
{
	if (p->in.len < HEAD)
		return (int64_t)(HEAD - p->in.len);
	struct reader head = reader_of(p->in.at, HEAD);
	uint32_t len = reader_u32(&head);

	if (len > REQUEST_MAX)
		return ERR_LIMIT;
	return (int64_t)len + HEAD - (int64_t)p->in.len;
}

int peer_read(struct peer *p, struct span *ret_request)
{
	unsigned char chunk[16384];
	int64_t want;

	/* The memory grows with what has come, not with what was announced. */
	while ((want = missing(p)) > 0) {
		size_t size = want < (int64_t)sizeof(chunk) ? (size_t)want : sizeof(chunk);
		ssize_t got = recv(p->fd, chunk, size, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		if (got == 0)
			return -EPIPE;
		bytes_put(&p->in, chunk, (size_t)got);
		if (p->in.failed)
			return -ENOMEM;
	}
	if (want < 0)
		return (int)want;
	p->state = PEER_WAITING;
	*ret_request = (struct span){p->in.at + HEAD, p->in.len - HEAD};
	return 1;
}

void peer_answer(struct peer *p, struct span reply)
{
	bytes_clear(&p->in);
	bytes_clear(&p->out);
	bytes_put_blob(
	    &p->out, reply.at, reply.len); /* a frame is a length and its bytes, as a blob is */
	p->sent = 0;
	p->state = PEER_WRITING;
	p->deadline = clock_steady() + PEER_PATIENCE;
}

int peer_write(struct peer *p)
{
	if (p->out.failed)
		return -ENOMEM;
	while (p->sent < p->out.len) {
		ssize_t put = send(
		    p->fd, p->out.at + p->sent, p->out.len - p->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		p->sent += (size_t)put;
	}
	p->state = PEER_READING;
	p->deadline = clock_steady() + PEER_PATIENCE;
	return 0;
}
