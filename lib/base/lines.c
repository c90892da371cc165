/* SPDX-License-Identifier: ISC */
#include "base/lines.h"

#define BUFFER_SIZE (64u << 10)

static int fill(struct lines *l)
{
	ssize_t got;

	if (l->fd < 0)
		return 0;
	if (!l->buffer)
		l->text = l->buffer = malloc(BUFFER_SIZE);
	if (!l->buffer)
		return -ENOMEM;
	do
		got = read(l->fd, l->buffer, BUFFER_SIZE);
	while (got < 0 && errno == EINTR);
	l->at = 0;
	l->filled = got > 0 ? (size_t)got : 0;
	return got < 0 ? -errno : got > 0;
}

static bool take(struct lines *l)
{
	const char *from = l->text + l->at;
	const char *newline = memchr(from, '\n', l->filled - l->at);
	size_t len = newline ? (size_t)(newline - from) : l->filled - l->at;
	size_t room = l->max - l->line.len;

	strbuf_add(&l->line, from, len < room ? len : room);
	l->cut |= len > room;
	l->at += len + (newline != NULL);
	return newline != NULL;
}

int lines_next(struct lines *l)
{
	bool ended = false;

	strbuf_clear(&l->line);
	strbuf_puts(&l->line, "");
	l->cut = l->partial = false;
	l->number++;
	while (!ended) {
		int code = l->at < l->filled ? 1 : fill(l);

		if (code < 0)
			return code;
		if (code == 0) {
			l->partial = true;
			return l->line.failed ? -ENOMEM : l->cut || l->line.len > 0;
		}
		ended = take(l);
	}
	return l->line.failed ? -ENOMEM : 1;
}

void lines_release(struct lines *l)
{
	strbuf_release(&l->line);
	free(l->buffer);
	l->buffer = NULL;
}
