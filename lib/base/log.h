/* SPDX-License-Identifier: ISC */
/*
 * The log: syslog facility mail, or stderr with the level in front. Libraries log only at debug.
 * One line a message, queue ID first where there is one, lower case. Text from outside goes through
 * str_scrub first; as a second fence the whole line is scrubbed here. Thread-safe.
 *
 * A log daemon, log driver or terminal that does not read must not stop mail, as syslog(3) and
 * write(2) would: a line waits a second at most, and no more until lines get through again. What
 * was not taken is counted, and told as soon as something is. What libmilter logs itself still goes
 * by syslog(3), and may hold up the thread of the broken session that it is about.
 */
#ifndef PQPURGE_BASE_LOG_H
#define PQPURGE_BASE_LOG_H

#include <pthread.h>
#include <syslog.h>

#include "base/base.h"

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* ident: program name, kept (not copied). Before the first call lines go to stderr. */
void log_open(const char *ident, enum log_target target, bool debug);
/* level as for syslog(3). Keeps errno, so that a caller may log first and look at it afterwards. */
void log_line(int level, const char *format, ...) FORMAT(2, 3);
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)

/* Where the lines go. A child that was forked opens a socket of its own. */
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
