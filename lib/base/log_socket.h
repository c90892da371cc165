/* SPDX-License-Identifier: ISC */
/*
 * Lines to the system's log daemon. syslog(3) waits for ever where that daemon does not read, and
 * mail would wait with it; this waits a second at most, and no more until lines get through again.
 * What was not taken is counted, and told as soon as something is. Thread-safe; a child that was
 * forked opens a socket of its own. What libmilter logs itself, of sessions that broke, still goes
 * by syslog(3): the thread of such a session may wait there, and no other does.
 */
#ifndef PQPURGE_BASE_LOG_SOCKET_H
#define PQPURGE_BASE_LOG_SOCKET_H

#include <pthread.h>

#include "base/base.h"

struct log_socket {
	const char *path; /* as in _PATH_LOG */
	/* Private. */
	pthread_mutex_t lock;
	int fd;
	pid_t owner; /* of fd; a child's descriptors are not what they were */
	bool stalled;
	unsigned long lost;
};

#define LOG_SOCKET_INIT(where)                                                                     \
	{                                                                                          \
		.path = (where), .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1                       \
	}

/* priority: level and facility as for syslog(3). text: one line. */
void log_socket_send(struct log_socket *s, int priority, const char *ident, const char *text);
void log_socket_close(struct log_socket *s);

#endif
