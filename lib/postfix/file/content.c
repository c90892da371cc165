/* SPDX-License-Identifier: ISC */
#include "postfix/file/content.h"

#include "base/io.h"
#include "base/lines.h"
#include "postfix/file/queue_file.h"
#include "postfix/spool/spool.h"

#define JUMPS_MAX 100000 /* a header line that a milter changed costs two jumps */
#define BUFFER    65536
#define ENOUGH    1

int content_open(
    const struct queue *q, const struct message *recorded, int *ret_fd, int64_t *ret_arrival)
{
	struct proof proof = {0};
	unsigned hint = 0;
	int fd = queue_open_file(q, &recorded->queue_id, &hint);

	if (fd < 0)
		return fd;
	spool_judge(fd, recorded, &proof);
	if (proof.state == PROOF_SAME) {
		*ret_fd = fd;
		*ret_arrival = proof.arrival_time;
		return 0;
	}
	io_close(&fd);
	if (proof.state == PROOF_ERROR)
		return proof.error;
	return proof.state == PROOF_ARRIVING ? -EAGAIN : ERR_STALE;
}

struct copy {
	struct queue_file file;
	int to; /* -1: fill the buffer and stop */
	char buffer[BUFFER];
	size_t len;
};

static int put(struct copy *c, const char *data, size_t len)
{
	if (c->len + len > sizeof(c->buffer)) {
		if (c->to < 0)
			return ENOUGH;
		int code = io_write_all(c->to, c->buffer, c->len);
		if (code < 0)
			return code;
		c->len = 0;
	}
	memcpy(c->buffer + c->len, data, len);
	c->len += len;
	return 0;
}

/* A record may exceed QUEUE_DATA_MAX if line_length_limit was raised. */
static int put_long(struct copy *c, const struct queue_record *r)
{
	char chunk[QUEUE_DATA_MAX];
	uint64_t at = r->begin;
	int code = 0;

	while (code == 0 && at < r->end) {
		uint64_t left = r->end - at;
		size_t want = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		ssize_t n = pread(c->file.fd, chunk, want, (off_t)at);

		if (n <= 0)
			return ERR_SYNTAX;
		code = put(c, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	return code;
}

static int put_record(struct copy *c, const struct queue_record *r)
{
	int code = r->cut ? put_long(c, r) : put(c, r->data, r->len);

	return code == 0 && r->type == 'N' ? put(c, "\n", 1) : code;
}

/* The content lies between M and X. */
static int copy_content(struct copy *c, int fd)
{
	struct queue_record r;
	bool content = false;
	struct stat st = {0};
	int code = fstat(fd, &st) < 0 ? ERR_SYNTAX : 0;

	/* A record takes at least two bytes, and only a loop of pointers reads one twice. So the
	 * file's size bounds the number of records. */
	c->file = (struct queue_file){
	    .fd = fd, .records_left = (uint64_t)st.st_size, .jumps_left = JUMPS_MAX};
	while (code == 0) {
		if (queue_file_next(&c->file, &r) < 0)
			return ERR_SYNTAX;
		if (content && (r.type == 'N' || r.type == 'L'))
			code = put_record(c, &r);
		else if (r.type == 'M')
			content = true;
		else if (r.type == 'X' || r.type == 'E')
			return content && r.type == 'X' ? 0 : ERR_SYNTAX;
	}
	return code;
}

int content_write(int fd, int to)
{
	struct copy c = {.to = to};
	int code = copy_content(&c, fd);

	return code < 0 ? code : io_write_all(to, c.buffer, c.len);
}

int content_field(int fd, const char *name, char *buf, size_t size)
{
	struct copy c = {.to = -1};
	size_t name_len = strlen(name), len = 0;
	bool found = false;

	(void)copy_content(&c, fd);
	AUTO(lines_release) struct lines lines = LINES_IN(c.buffer, c.len);
	while (lines_next(&lines) == 1 && lines.line.len > 0) {
		const char *at = lines.line.text;

		if (found && *at != ' ' && *at != '\t')
			break;
		if (!found && str_starts_nocase(at, name) && at[name_len] == ':') {
			found = true;
			at += name_len + 1;
		}
		for (; found && *at && len + 1 < size; at++)
			if (len > 0 || (*at != ' ' && *at != '\t'))
				buf[len++] = *at;
	}
	if (found)
		buf[len] = '\0';
	return found;
}
