/* SPDX-License-Identifier: ISC */
/* The log. Each line is formatted and scrubbed here, then handed over by a single call. */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_socket.h"
#include "base/str.h"

/* What syslog daemons take without cutting, roughly; a longer line is cut. */
#define LINE_SIZE 2048

static struct log_socket syslog_socket = LOG_SOCKET_INIT(_PATH_LOG);
static const char *name = "pqpurge";
static atomic_bool to_syslog;
static atomic_bool with_debug;

static const struct {
	const char *word;
	int priority;
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
};

void log_open(const char *ident, enum log_target target, bool debug)
{
	name = ident;
	if (target == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID, LOG_MAIL); /* for what libmilter has to say */
	atomic_store(&with_debug, debug);
	atomic_store(&to_syslog, target == LOG_TO_SYSLOG);
}

/* One write for the whole line, so that lines of several threads and processes do not mix. */
static void write_stderr(const char *word, const char *text)
{
	char line[LINE_SIZE + 16];
	int len = snprintf(line, sizeof(line), "%s: %s\n", word, text);
	ssize_t done;

	if (len < 0)
		return;
	do
		done = write(STDERR_FILENO, line, (size_t)len);
	while (done < 0 && errno == EINTR);
}

/* Keeps errno, so that a caller may log first and look at the reason afterwards. */
static void FORMAT(2, 0) log_line(enum log_level level, const char *format, va_list values)
{
	char draft[LINE_SIZE], text[LINE_SIZE];
	int saved = errno;

	if (vsnprintf(draft, sizeof(draft), format, values) < 0)
		snprintf(draft, sizeof(draft), "%s", format);
	str_scrub(text, sizeof(text), draft);
	if (atomic_load(&to_syslog))
		log_socket_send(&syslog_socket, LOG_MAIL | levels[level].priority, name, text);
	else
		write_stderr(levels[level].word, text);
	errno = saved;
}

void log_debug(const char *format, ...)
{
	va_list values;

	if (!atomic_load(&with_debug))
		return;
	va_start(values, format);
	log_line(LOG_LEVEL_DEBUG, format, values);
	va_end(values);
}

void log_info(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	log_line(LOG_LEVEL_INFO, format, values);
	va_end(values);
}

void log_warning(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	log_line(LOG_LEVEL_WARNING, format, values);
	va_end(values);
}

void log_error(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	log_line(LOG_LEVEL_ERROR, format, values);
	va_end(values);
}
