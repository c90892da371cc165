/* SPDX-License-Identifier: ISC */
/*
 * Why mail waits: the defer log beside a queue file (global/bounce_log.c), blocks of "name=value"
 * lines with a blank line behind each. Older Postfix wrote "<recipient>: reason" instead; newer
 * ones write that line and the block.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/spool.h"

#define LOG_MAX       (1u << 20)
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

static void put_text(struct bytes *out, const char *text)
{
	bytes_put(out, text, strlen(text) + 1);
}

static void put_block(const char *id, struct block *block, struct bytes *out)
{
	if (!block->recipient[0] && !block->reason[0])
		return;
	if (id)
		put_text(out, id);
	put_text(out, block->recipient);
	put_text(out, block->reason);
	*block = (struct block){0};
}

static void parse_log(const char *id, const char *at, size_t len, struct bytes *out)
{
	struct block block = {0};
	const char *end = at + len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline ? newline : end) - at);

		if (line == 0)
			put_block(id, &block, out);
		else
			take_line(&block, at, line);
		at += line + 1;
	}
	put_block(id, &block, out);
}

/* The log of one message; a missing one says nothing. text has room for LOG_MAX bytes. */
static int read_log(const struct postfix *p, int queue_dir, const struct queue_id *id, bool named,
    char *text, struct bytes *out)
{
	char path[QUEUE_PATH_MAX];
	ssize_t len;
	int fd;

	queue_log_path(p, "defer", id, path);
	fd = openat(queue_dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	len = io_read_all(fd, text, LOG_MAX);
	io_close(&fd);
	if (len < 0)
		return (int)len;
	parse_log(named ? id->text : NULL, text, (size_t)len, out);
	return 0;
}

struct task {
	const struct postfix *p;
	const struct queue_id *ids;
	size_t count;
	bool named; /* each entry begins with its queue ID */
};

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct task *task = arg;
	char *text = malloc(LOG_MAX);
	int code = 0;
	int queue_dir = open(task->p->queue_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (queue_dir < 0)
		code =
		    err_sys(err, errno, "failed to open the queue '%s'", task->p->queue_directory);
	else if (!text)
		code = err_sys(err, ENOMEM, "failed to read defer logs");
	for (size_t n = 0; code == 0 && n < task->count && out->len < COLLECTED_MAX; n++) {
		code = read_log(task->p, queue_dir, &task->ids[n], task->named, text, out);
		if (code < 0)
			err_sys(
			    err, -code, "failed to read the defer log of %s", task->ids[n].text);
	}
	free(text);
	io_close(&queue_dir);
	return code;
}

static int run(struct task *task, struct strbuf *ret, struct err *err)
{
	struct blob blob = {0};
	int code = role_collect(&task->p->owner, work, task, &blob, err);

	strbuf_clear(ret);
	if (code == 0 && blob.len > 0) {
		if (blob.at[blob.len - 1] != '\0')
			code = err_set(err, ERR_CHILD, "the reader of defer logs broke off");
		else
			strbuf_add(ret, (const char *)blob.at, blob.len);
	}
	if (code == 0 && ret->failed)
		code = err_sys(err, ENOMEM, "failed to keep reasons");
	blob_release(&blob);
	return code;
}

int spool_reasons(
    const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed, struct err *err)
{
	struct task task = {.p = p, .ids = id, .count = 1};
	return run(&task, ret_packed, err);
}

int spool_reasons_many(const struct postfix *p, const struct queue_id *ids, size_t count,
    struct strbuf *ret_packed, struct err *err)
{
	struct task task = {.p = p, .ids = ids, .count = count, .named = true};
	return run(&task, ret_packed, err);
}
