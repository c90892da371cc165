/* SPDX-License-Identifier: ISC */
/* The log. Each line is formatted and scrubbed here, then handed over by a single call. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_socket.h"
#include "base/str.h"

/* What syslog daemons take without cutting, roughly; a longer line is cut. */
#define LINE_SIZE 2048
#define PATIENCE  INT64_C(1000000) /* microseconds; a reader that is only busy has read by then */

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

/* ---- stderr */

static pthread_mutex_t stderr_lock = PTHREAD_MUTEX_INITIALIZER;
static bool stderr_stalled;         /* nobody read the last time, so nobody is waited for */
static unsigned long stderr_missed; /* lines that were not taken */

/* Whether a line can be written without waiting for who reads it: a line is shorter than what a
 * pipe that is writable takes at once. */
static bool stderr_ready(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	int64_t until = clock_steady() + (stderr_stalled ? 0 : PATIENCE), left;
	int ready;

	do {
		left = until - clock_steady();
		ready = poll(&p, 1, left > 0 ? (int)(left / 1000) + 1 : 0);
	} while (ready < 0 && errno == EINTR);
	return ready != 0;
}

/* One write for the whole line, so that lines of several processes do not mix. False: not taken. */
static bool put_line(const char *word, const char *text)
{
	char line[LINE_SIZE + 16];
	int len = snprintf(line, sizeof(line), "%s: %s\n", word, text);
	ssize_t done;

	stderr_stalled = !stderr_ready();
	if (stderr_stalled)
		return false;
	do
		done = write(STDERR_FILENO, line, len > 0 ? (size_t)len : 0);
	while (done < 0 && errno == EINTR);
	return true;
}

/* A log driver that hangs, or a stopped terminal, must not stop mail. */
static void write_stderr(const char *word, const char *text)
{
	char words[80];

	pthread_mutex_lock(&stderr_lock);
	snprintf(words, sizeof(words), "%lu lines of this log were not taken and are lost",
	    stderr_missed);
	if (stderr_missed > 0 && put_line("warning", words))
		stderr_missed = 0;
	if (stderr_missed > 0 || !put_line(word, text))
		stderr_missed++;
	pthread_mutex_unlock(&stderr_lock);
}

/* ---- lines */

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
