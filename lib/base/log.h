/* SPDX-License-Identifier: ISC */
/*
 * The log: syslog facility mail, or stderr with the level in front. Libraries log only at debug.
 * One line per message, queue ID first, lower case. Callers scrub text from outside (str_scrub);
 * each line is scrubbed once more here. Thread-safe.
 *
 * If the log daemon or terminal stops reading, we wait once, at most 1 s. Then lines are dropped
 * without a wait until one gets through; that one says how many were lost. libmilter logs with
 * syslog(3), which may block.
 */
#pragma once

#include <pthread.h>
#include <syslog.h>

#include "base/base.h"

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* ident: the program's name, not copied. Before this call lines go to stderr. */
void log_open(const char *ident, enum log_target target, bool debug);
/* level: as for syslog(3). Keeps errno. */
void log_line(int level, const char *format, ...) FORMAT(2, 3);
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)

struct log_sink {
	const char *path; /* of the log daemon's socket; NULL: stderr */
	/* Private. */
	pthread_mutex_t lock;
	int fd;
	pid_t owner; /* the process that opened fd; a forked child opens its own */
	bool stalled;
	unsigned long lost;
};

#define LOG_SINK_INIT(where)                                                                       \
	{                                                                                          \
		.path = (where), .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1                       \
	}

/* priority: as for syslog(3). text: one line. Keeps errno. */
void log_sink_send(struct log_sink *s, int priority, const char *ident, const char *text);
