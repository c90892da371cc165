/* SPDX-License-Identifier: ISC */
/* The defer log beside a queue file (global/bounce_log.c) has blocks of "name=value" lines; a blank
 * line ends each. Newer Postfix puts a line "<recipient>: reason" before each block; older Postfix
 * has only that line. */
#include "base/io.h"
#include "base/lines.h"
#include "postfix/spool/spool.h"

#define COLLECTED_MAX (64u << 20)

struct text {
	char at[SPOOL_REASON_MAX + 1];
	bool cut;
};

struct block {
	struct text recipient, reason;
};

static void take_value(struct text *into, const char *from, size_t len, bool cut)
{
	char value[SPOOL_REASON_MAX + 1];

	into->cut = cut || len > SPOOL_REASON_MAX;
	len = len < sizeof(value) - 1 ? len : sizeof(value) - 1;
	memcpy(value, from, len);
	value[len] = '\0';
	str_scrub(into->at, sizeof(into->at), value);
}

static void take_line(struct block *block, const char *line, bool cut)
{
	size_t len = strlen(line);
	const char *end;

	if (str_starts(line, "recipient=")) {
		take_value(&block->recipient, line + 10, len - 10, cut);
	} else if (str_starts(line, "reason=")) {
		take_value(&block->reason, line + 7, len - 7, cut);
	} else if (line[0] == '<' && (end = strstr(line, ">: ")) != NULL) {
		take_value(&block->recipient, line + 1, (size_t)(end - line) - 1, false);
		take_value(&block->reason, end + 3, strlen(end + 3), cut);
	}
}

static int visit_block(struct block *block, spool_reason_visit *visit, void *arg)
{
	struct spool_reason reason = {block->recipient.at, block->reason.at, block->reason.cut};
	int code = 0;

	if (reason.recipient[0] || reason.text[0])
		code = visit(arg, &reason);
	block->recipient.at[0] = block->reason.at[0] = '\0';
	block->reason.cut = false;
	return code;
}

static int visit_lines(struct lines *log, spool_reason_visit *visit, void *arg)
{
	struct block block = {0};
	int code;

	while ((code = lines_next(log)) == 1) {
		if (log->line.len > 0)
			take_line(&block, log->line.text,
			    log->cut || strlen(log->line.text) != log->line.len);
		else if ((code = visit_block(&block, visit, arg)) < 0)
			break;
	}
	return code < 0 ? code : visit_block(&block, visit, arg);
}

static int open_log(const struct queue *q, const struct queue_id *id)
{
	int fd = -ENOENT;

	for (unsigned depth = 0; depth <= HASH_DEPTH_MAX && fd == -ENOENT; depth++) {
		char path[QUEUE_PATH_MAX];

		if (!(q->defer >> depth & 1))
			continue;
		queue_path("defer", depth, id, path);
		fd = queue_open_path(q, path);
		fd = fd == -ENOTDIR ? -ENOENT : fd;
	}
	return fd;
}

int spool_reasons_visit(
    const struct queue *q, const struct queue_id *id, spool_reason_visit *visit, void *arg)
{
	struct lines log = {.fd = open_log(q, id), .max = LINES_MAX};

	if (log.fd < 0)
		return log.fd == -ENOENT ? 0 : log.fd;
	int code = visit_lines(&log, visit, arg);
	lines_release(&log);
	io_close(&log.fd);
	return code;
}

static int pack(void *arg, const struct spool_reason *reason)
{
	struct bytes *out = arg;

	if (out->len < COLLECTED_MAX) {
		bytes_put(out, reason->recipient, strlen(reason->recipient) + 1);
		bytes_put(out, reason->text, strlen(reason->text) + 1);
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
	AUTO(queue_close) struct queue queue;
	int code = queue_open(task->p, &queue, err);

	if (code < 0)
		return code;
	code = spool_reasons_visit(&queue, task->id, pack, out);
	if (code < 0)
		err_sys(err, -code, "failed to read the defer log of %s", task->id->text);
	return code;
}

int spool_reasons(
    const struct postfix *p, const struct queue_id *id, struct strbuf *ret_packed, struct err *err)
{
	struct task task = {p, id};
	AUTO(blob_release) struct blob blob = {0};
	int code = role_ask(&p->owner, p->stop, queue_patience(1), work, &task, &blob, err);
	strbuf_clear(ret_packed);
	if (code == 0 && blob.len > 0 && blob.at[blob.len - 1] != '\0')
		code = err_set(err, ERR_CHILD, "the reader of defer logs ended early");
	else if (code == 0)
		strbuf_add(ret_packed, (const char *)blob.at, blob.len);
	if (code == 0 && ret_packed->failed)
		code = err_sys(err, ENOMEM, "failed to keep reasons");
	return code;
}
