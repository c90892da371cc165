/* SPDX-License-Identifier: ISC */
/*
 * Why mail waits: the defer log beside a queue file (global/bounce_log.c), blocks of "name=value"
 * lines with a blank line behind each. Older Postfix wrote "<recipient>: reason" instead; newer
 * ones write that line and the block.
 */
#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/spool/spool.h"

#define LINES_BUFFER  16384
#define COLLECTED_MAX (64u << 20)
#define VALUE_MAX     1024

/* One block: the last recipient and reason that it named. */
struct block {
	char recipient[VALUE_MAX], reason[VALUE_MAX];
};

static void take_value(char into[VALUE_MAX], const char *from, size_t len)
{
	char value[VALUE_MAX];

	len = len < sizeof(value) - 1 ? len : sizeof(value) - 1;
	memcpy(value, from, len);
	value[len] = '\0';
	str_scrub(into, VALUE_MAX, value);
}

static void take_line(struct block *block, const char *line, size_t len)
{
	const char *end;

	if (len > 10 && memcmp(line, "recipient=", 10) == 0) {
		take_value(block->recipient, line + 10, len - 10);
	} else if (len > 7 && memcmp(line, "reason=", 7) == 0) {
		take_value(block->reason, line + 7, len - 7);
	} else if (line[0] == '<' && (end = memmem(line, len, ">: ", 3)) != NULL) {
		take_value(block->recipient, line + 1, (size_t)(end - line) - 1);
		take_value(block->reason, end + 3, len - (size_t)(end + 3 - line));
	}
}

/* A log, line by line. Of a line that does not fit the first bytes count. */
struct lines {
	int fd;
	char buffer[LINES_BUFFER];
	size_t at, end;   /* what is read and not used yet */
	bool ended, skip; /* skip: the rest of a line that did not fit */
};

/* Reads more behind what is not used yet. */
static int fill(struct lines *l)
{
	size_t kept = l->end - l->at, room = sizeof(l->buffer) - kept;
	ssize_t n;

	memmove(l->buffer, l->buffer + l->at, kept);
	l->at = 0;
	l->end = kept;
	n = io_read_all(l->fd, l->buffer + kept, room);
	if (n < 0)
		return (int)n;
	l->ended = (size_t)n < room;
	l->end += (size_t)n;
	return 0;
}

/* 1 and a line without its newline, 0 at the end, -errno. */
static int next_line(struct lines *l, const char **ret, size_t *ret_len)
{
	for (;;) {
		const char *begin = l->buffer + l->at;
		const char *newline = memchr(begin, '\n', l->end - l->at);
		bool full = l->end - l->at == sizeof(l->buffer), skip = l->skip;

		if (newline || full || l->ended) {
			*ret = begin;
			*ret_len = newline ? (size_t)(newline - begin) : l->end - l->at;
			if (!newline && !full && (*ret_len == 0 || skip))
				return 0;
			l->at += *ret_len + (newline != NULL);
			l->skip = !newline;
			if (!skip)
				return 1;
		} else {
			int code = fill(l);

			if (code < 0)
				return code;
		}
	}
}

static int visit_block(struct block *block, spool_reason_visit *visit, void *arg)
{
	int code = 0;

	if (block->recipient[0] || block->reason[0])
		code = visit(arg, block->recipient, block->reason);
	*block = (struct block){0};
	return code;
}

static int visit_lines(struct lines *l, spool_reason_visit *visit, void *arg)
{
	struct block block = {0};
	const char *line = "";
	size_t len = 0;
	int code;

	while ((code = next_line(l, &line, &len)) == 1) {
		if (len > 0)
			take_line(&block, line, len);
		else if ((code = visit_block(&block, visit, arg)) < 0)
			return code;
	}
	return code < 0 ? code : visit_block(&block, visit, arg);
}

/* The log at whatever depth it lies; -ENOENT. */
static int open_log(const struct queue_layout *layout, int queue_dir, const struct queue_id *id)
{
	int fd = -ENOENT;

	for (unsigned depth = 0; depth <= HASH_DEPTH_MAX && fd == -ENOENT; depth++) {
		char path[QUEUE_PATH_MAX];

		if (!(layout->defer >> depth & 1))
			continue;
		queue_log_path("defer", depth, id, path);
		fd = queue_open(queue_dir, path);
		fd = fd == -ENOTDIR ? -ENOENT : fd;
	}
	return fd;
}

/* A missing log says nothing. */
int spool_reasons_visit(const struct queue_layout *layout, int queue_dir, const struct queue_id *id,
    spool_reason_visit *visit, void *arg)
{
	struct lines lines = {.fd = open_log(layout, queue_dir, id)};
	int code;

	if (lines.fd < 0)
		return lines.fd == -ENOENT ? 0 : lines.fd;
	code = visit_lines(&lines, visit, arg);
	io_close(&lines.fd);
	return code;
}

/* ---- packed, for a parent */

static int pack(void *arg, const char *recipient, const char *reason)
{
	struct bytes *out = arg;

	if (out->len < COLLECTED_MAX) {
		bytes_put(out, recipient, strlen(recipient) + 1);
		bytes_put(out, reason, strlen(reason) + 1);
	}
	return 0;
}

struct task {
	const struct postfix *p;
	const struct queue_id *id;
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct task *task = arg;
	struct queue_layout layout;
	int queue_dir = queue_directory_open(task->p, err), code;

	if (queue_dir < 0)
		return queue_dir;
	queue_layout_read(&layout, queue_dir);
	code = spool_reasons_visit(&layout, queue_dir, task->id, pack, out);
	if (code < 0)
		err_sys(err, -code, "failed to read the defer log of %s", task->id->text);
	io_close(&queue_dir);
	return code;
}

int spool_reasons(
    const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed, struct err *err)
{
	struct task task = {p, id};
	struct role_child child = {.stop = p->stop};
	struct blob blob = {0};
	int code = role_start(&child, &p->owner, work, &task, err);

	if (code == 0)
		code = role_finish(&child, queue_patience(1), &blob, err);
	strbuf_clear(ret_packed);
	if (code == 0 && blob.len > 0 && blob.at[blob.len - 1] != '\0')
		code = err_set(err, ERR_CHILD, "the reader of defer logs broke off");
	else if (code == 0)
		strbuf_add(ret_packed, (const char *)blob.at, blob.len);
	if (code == 0 && ret_packed->failed)
		code = err_sys(err, ENOMEM, "failed to keep reasons");
	blob_release(&blob);
	return code;
}
