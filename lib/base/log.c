/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"

#define PATIENCE  USEC_PER_SEC
#define TEXT_SIZE 2048 /* about what syslog daemons accept without a cut */
#define LINE_SIZE 2200

static const char *const level_words[] = {
    [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};

static size_t format(
    const struct log_sink *s, char *line, int priority, const char *ident, const char *text)
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(clock_wall() / USEC_PER_SEC);
	struct tm at = {0};
	int len;

	localtime_r(&now, &at);
	if (s->path)
		len = snprintf(line, LINE_SIZE, "<%d>%s %2d %02d:%02d:%02d %s[%d]: %s", priority,
		    months[at.tm_mon], at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, ident,
		    (int)getpid(), text);
	else
		len = snprintf(line, LINE_SIZE, "%s: %s\n", level_words[LOG_PRI(priority)], text);
	return len < LINE_SIZE ? (size_t)len : LINE_SIZE - 1;
}

static void reopen(struct log_sink *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (s->owner == getpid())
		io_close(&s->fd);
	s->owner = getpid();
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
	if (s->fd >= 0 && connect(s->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		io_close(&s->fd);
}

/* Writes the line in one call, so that lines of several processes do not mix. Returns ERR_TIMEOUT
 * if nobody reads; after any other code the descriptor is useless. */
static int put(const struct log_sink *s, const char *line, size_t len)
{
	int fd = s->path ? s->fd : STDERR_FILENO;
	int64_t until = clock_steady() + (s->stalled ? 0 : PATIENCE);
	ssize_t done;

	if (fd < 0 || (s->path && s->owner != getpid()))
		return -EBADF;
	do {
		int ready = io_wait(fd, POLLOUT, until);

		if (ready <= 0)
			return ready == 0 ? ERR_TIMEOUT : ready;
		done = s->path ? send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT)
			       : write(fd, line, len);
	} while (done < 0 && (errno == EAGAIN || errno == EINTR));
	return done < 0 ? -errno : 0;
}

/* A new connection helps if the log daemon was restarted. */
static bool deliver(struct log_sink *s, int priority, const char *ident, const char *text)
{
	char line[LINE_SIZE];
	size_t len = format(s, line, priority, ident, text);
	int code = put(s, line, len);

	if (s->path && code != 0 && code != ERR_TIMEOUT) {
		reopen(s);
		code = put(s, line, len);
	}
	s->stalled = code == ERR_TIMEOUT;
	return code == 0 || (!s->path && !s->stalled);
}

void log_sink_send(struct log_sink *s, int priority, const char *ident, const char *text)
{
	char words[80];
	int saved = errno;

	pthread_mutex_lock(&s->lock);
	snprintf(words, sizeof(words),
	    "%lu lines of this log were lost because the log daemon did not read them", s->lost);
	if (s->lost > 0 && deliver(s, LOG_MAIL | LOG_WARNING, ident, words))
		s->lost = 0;
	if (s->lost > 0 || !deliver(s, priority, ident, text))
		s->lost++;
	pthread_mutex_unlock(&s->lock);
	errno = saved;
}

static struct log_sink syslog_sink = LOG_SINK_INIT(_PATH_LOG), stderr_sink = LOG_SINK_INIT(NULL);
static const char *name = "pqpurge";
static atomic_bool to_syslog;
static atomic_bool with_debug;

void log_open(const char *ident, enum log_target target, bool debug)
{
	name = ident;
	if (target == LOG_TO_SYSLOG)
		openlog(ident, LOG_PID, LOG_MAIL); /* libmilter logs by syslog(3) */
	atomic_store(&with_debug, debug);
	atomic_store(&to_syslog, target == LOG_TO_SYSLOG);
}

void log_line(int level, const char *format, ...)
{
	char draft[TEXT_SIZE], text[TEXT_SIZE];
	va_list values;

	if (level == LOG_DEBUG && !atomic_load(&with_debug))
		return;
	va_start(values, format);
	if (vsnprintf(draft, sizeof(draft), format, values) < 0)
		snprintf(draft, sizeof(draft), "%s", format);
	va_end(values);
	str_scrub(text, sizeof(text), draft);
	log_sink_send(
	    atomic_load(&to_syslog) ? &syslog_sink : &stderr_sink, LOG_MAIL | level, name, text);
}
