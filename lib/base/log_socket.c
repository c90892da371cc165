/* SPDX-License-Identifier: ISC */
/* Datagrams as syslog(3) of glibc writes them. */
#include "base/log_socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define PATIENCE  INT64_C(1000000) /* microseconds; a daemon that is only busy has read by then */
#define LINE_SIZE 2200

static int format(char *line, int priority, const char *ident, const char *text)
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(clock_wall() / 1000000);
	struct tm at = {0};

	localtime_r(&now, &at);
	int len = snprintf(line, LINE_SIZE, "<%d>%s %2d %02d:%02d:%02d %s[%d]: %s", priority,
	    months[at.tm_mon], at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, ident, (int)getpid(),
	    text);
	return len < LINE_SIZE ? len : LINE_SIZE - 1;
}

static void reopen(struct log_socket *s)
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

/* -EAGAIN: nobody reads. Other codes: the socket is of no use any more. */
static int try(struct log_socket *s, const char *line, size_t len)
{
	int64_t until = clock_steady() + (s->stalled ? 0 : PATIENCE);

	if (s->fd < 0 || s->owner != getpid())
		return -EBADF;
	while (send(s->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		struct pollfd p = {.fd = s->fd, .events = POLLOUT};
		int64_t left = until - clock_steady();

		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -EAGAIN;
		poll(&p, 1, (int)(left / 1000) + 1);
	}
	return 0;
}

/* The log daemon may have been started anew: then a new connection helps. */
static bool deliver(struct log_socket *s, int priority, const char *ident, const char *text)
{
	char line[LINE_SIZE];
	size_t len = (size_t)format(line, priority, ident, text);
	int code = try(s, line, len);

	if (code != 0 && code != -EAGAIN) {
		reopen(s);
		code = try(s, line, len);
	}
	s->stalled = code == -EAGAIN;
	return code == 0;
}

void log_socket_send(struct log_socket *s, int priority, const char *ident, const char *text)
{
	char words[80];
	int saved = errno;

	pthread_mutex_lock(&s->lock);
	snprintf(
	    words, sizeof(words), "%lu lines of this log were not taken and are lost", s->lost);
	if (s->lost > 0 && deliver(s, priority, ident, words))
		s->lost = 0;
	if (s->lost > 0 || !deliver(s, priority, ident, text))
		s->lost++;
	pthread_mutex_unlock(&s->lock);
	errno = saved;
}

void log_socket_close(struct log_socket *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->owner == getpid())
		io_close(&s->fd);
	pthread_mutex_unlock(&s->lock);
}
