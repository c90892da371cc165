/* SPDX-License-Identifier: ISC */
/* The control server's socket: made, and made anew where it or its directory went away. */
#ifndef PQPURGE_MILTER_CONTROL_SOCKET_H
#define PQPURGE_MILTER_CONTROL_SOCKET_H

#include <sys/un.h>

#include "base/err.h"

struct control_socket {
	struct sockaddr_un address;
	int fd;    /* listens; -1 not made yet */
	dev_t dev; /* of the socket as we made it */
	ino_t ino;
	bool complained;
};

/* ERR_CONFIG: the path is too long for a socket. Makes nothing. */
int control_socket_init(struct control_socket *s, const char *directory, struct err *err) NODISCARD;
/*
 * Makes the socket (mode 0600, not blocking) where it is not there or not ours. A failure is logged
 * once, until it succeeds again.
 */
void control_socket_keep(struct control_socket *s);
void control_socket_remove(struct control_socket *s);

#endif
