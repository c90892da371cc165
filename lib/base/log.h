/* SPDX-License-Identifier: ISC */
/*
 * The log: syslog facility mail, or stderr with the level in front. Libraries log only at debug.
 * One line a message, queue ID first where there is one, lower case. Text from outside goes through
 * str_scrub first; as a second fence the whole line is scrubbed here. Thread-safe. Who
 * does not read it does not stop the program (log_sink.h).
 */
#ifndef PQPURGE_BASE_LOG_H
#define PQPURGE_BASE_LOG_H

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

#endif
