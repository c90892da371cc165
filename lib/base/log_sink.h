/* SPDX-License-Identifier: ISC */
/*
 * Where the lines of the log go: to the system's log daemon, or to stderr with the level in front.
 * A log daemon, log driver or terminal that does not read must not stop mail, as syslog(3) and
 * write(2) would: a line waits a second at most, and no more until lines get through again. What
 * was not taken is counted, and told as soon as something is. Thread-safe; a child that was forked
 * opens a socket of its own. What libmilter logs itself, of sessions that broke, still goes by
 * syslog(3): the thread of such a session may wait there, and no other does.
 */
#ifndef PQPURGE_BASE_LOG_SINK_H
#define PQPURGE_BASE_LOG_SINK_H

#include <pthread.h>

#include "base/base.h"

struct log_sink {
	const char *path; /* as in _PATH_LOG; NULL: stderr */
	/* Private. */
	pthread_mutex_t lock;
	int fd;
	pid_t owner; /* of fd; a child's descriptors are not what they were */
	bool stalled;
	unsigned long lost;
};

#define LOG_SINK_INIT(where)                                                                       \
	{                                                                                          \
		.path = (where), .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1                       \
	}

/* priority: level and facility as for syslog(3). text: one line. Keeps errno. */
void log_sink_send(struct log_sink *s, int priority, const char *ident, const char *text);

#endif
