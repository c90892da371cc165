/* SPDX-License-Identifier: ISC */
/*
 * The log: syslog facility mail, or stderr with the level in front. Libraries log only at debug.
 * One line a message, queue ID first where there is one, lower case. Text from outside goes through
 * str_scrub first; as a second fence the whole line is scrubbed here. Thread-safe. Who does not
 * read any more is waited for once, a second at most; lines that were not taken are counted, and
 * told when one is again.
 */
#ifndef PQPURGE_BASE_LOG_H
#define PQPURGE_BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* ident: program name, kept (not copied). Before the first call lines go to stderr. */
void log_open(const char *ident, enum log_target target, bool debug);
void log_debug(const char *format, ...) FORMAT(1, 2);
void log_info(const char *format, ...) FORMAT(1, 2);
void log_warning(const char *format, ...) FORMAT(1, 2);
void log_error(const char *format, ...) FORMAT(1, 2);

#endif
