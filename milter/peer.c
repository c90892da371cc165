/* SPDX-License-Identifier: ISC */
/* One connection to control.sock. */
#include "milter/peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

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
	wire_init(&p->wire, fd);
}

void peer_close(struct peer *p)
{
	if (p->fd < 0)
		return;
	wire_release(&p->wire);
	io_close(&p->fd);
}

int peer_read(struct peer *p, struct json **ret, int *ret_fd, struct err *err)
{
	int code = wire_next(&p->wire, ret, ret_fd, err); /* sent together with the one before */

	if (code != 0)
		return code;
	code = wire_fill(&p->wire);
	if (code == -EAGAIN)
		return 0;
	if (code <= 0)
		return code < 0 && code != ERR_SYNTAX ? code : -EPIPE;
	p->deadline = clock_steady() + PEER_PATIENCE;
	return wire_next(&p->wire, ret, ret_fd, err);
}

int peer_send(struct peer *p, struct json *line, int fd)
{
	p->state = PEER_READING;
	p->deadline = clock_steady() + PEER_PATIENCE;
	return wire_send(p->fd, line, fd, 0);
}
