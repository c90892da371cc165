/* SPDX-License-Identifier: ISC */
/* postqueue -j: its lines (postqueue/showq_json.c), and the program itself. */
#include "postfix/tool/postqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/tool/child.h"

#define LINE_FIRST  65536
#define ERRORS_READ 4096
#define END_TIMEOUT (10 * USEC_PER_SEC) /* after its last line */
/* As showq(8) writes it (showq.c); no other sender lacks its domain. */
#define NULL_SENDER_SHOWN "MAILER-DAEMON"

/* ---- one line */

static int take(const struct json *line, struct postqueue_entry *entry)
{
	const char *id = json_text(line, "queue_id"), *queue = json_text(line, "queue_name");
	const char *sender = json_text(line, "sender");
	int64_t seconds = json_int(line, "arrival_time", 0);
	unsigned bits;

	if (!id || queue_id_parse(id, strlen(id), &entry->queue_id) < 0 || !queue ||
	    queue_parse_list(queue, &bits, NULL) < 0 || (bits & (bits - 1)) != 0)
		return ERR_SYNTAX;
	entry->queue = (enum queue_name)bits;
	if (seconds > 0 && seconds < INT64_MAX / USEC_PER_SEC)
		entry->arrival_time = seconds * USEC_PER_SEC;
	entry->null_sender = sender && strcmp(sender, NULL_SENDER_SHOWN) == 0;
	entry->size = json_int(line, "message_size", -1);
	entry->recipients = json_count(line, "recipients");
	return 0;
}

int postqueue_parse(const char *line, size_t len, struct postqueue_entry *ret, struct err *err)
{
	struct postqueue_entry entry = {.line = NULL};
	int code = json_parse(line, len, &entry.line, err);

	if (code == 0 && take(entry.line, &entry) < 0)
		code = err_set(err, ERR_SYNTAX, "no queue ID and queue in a line of postqueue -j");
	if (code < 0)
		postqueue_entry_release(&entry);
	else
		*ret = entry;
	return code;
}

void postqueue_entry_release(struct postqueue_entry *entry)
{
	json_free(entry->line);
	entry->line = NULL;
}

void postqueue_recipient(const struct postqueue_entry *entry, size_t n,
    char address[POSTQUEUE_TEXT_MAX], char reason[POSTQUEUE_TEXT_MAX])
{
	const struct json *recipient = json_at(entry->line, "recipients", n);
	const char *to = recipient ? json_text(recipient, "address") : NULL;
	const char *why = recipient ? json_text(recipient, "delay_reason") : NULL;

	str_scrub(address, POSTQUEUE_TEXT_MAX, to ? to : "");
	str_scrub(reason, POSTQUEUE_TEXT_MAX, why ? why : "");
}

/* ---- all lines */

struct lines {
	int fd;
	char *buffer;
	size_t at, end, cap; /* what is read and not used yet */
	bool ended, skip;    /* skip: the rest of a line that was too long */
};

/* Reads more behind what is not used yet, which moves to the front; grows where that fills it. */
static int fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buffer, l->buffer + l->at, l->end - l->at);
	l->end -= l->at;
	l->at = 0;
	if (l->end == l->cap) {
		char *more = realloc(l->buffer, l->cap * 2);

		if (!more)
			return -ENOMEM;
		l->buffer = more;
		l->cap *= 2;
	}
	do
		n = read(l->fd, l->buffer + l->end, l->cap - l->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	l->ended = n == 0;
	l->end += (size_t)n;
	return 0;
}

/* 1 and a line without its newline; ERR_LIMIT for one that was too long; 0 at the end; -errno. */
static int next_line(struct lines *l, const char **ret, size_t *ret_len)
{
	for (;;) {
		const char *begin = l->buffer + l->at;
		size_t len = l->end - l->at;
		const char *newline = memchr(begin, '\n', len);
		bool skip = l->skip;
		int code;

		if (newline || (l->ended && (len > 0 || skip))) {
			*ret = begin;
			*ret_len = newline ? (size_t)(newline - begin) : len;
			l->at += *ret_len + (newline != NULL);
			l->skip = false;
			return skip ? ERR_LIMIT : 1;
		}
		if (l->ended)
			return 0;
		if (len >= POSTQUEUE_LINE_MAX) {
			l->skip = true;
			l->at = l->end;
		}
		if ((code = fill(l)) < 0)
			return code;
	}
}

/* A line that cannot be read is counted in *unread and ends nothing. */
static int visit_line(const char *line, size_t len, postqueue_visit *visit, void *arg,
    uint64_t *unread, struct err *err)
{
	struct postqueue_entry entry;
	int code = postqueue_parse(line, len, &entry, *unread == 0 ? err : NULL);

	if (code == -ENOMEM)
		return code;
	if (code < 0) {
		(*unread)++;
		return 0;
	}
	code = visit(arg, &entry);
	postqueue_entry_release(&entry);
	return code < 0 ? code : 0;
}

int postqueue_read(int fd, postqueue_visit *visit, void *arg, uint64_t *ret_unread, struct err *err)
{
	struct lines l = {.fd = fd, .buffer = malloc(LINE_FIRST), .cap = LINE_FIRST};
	const char *line = "";
	uint64_t unread = 0;
	size_t len = 0;
	int code = l.buffer ? 0 : -ENOMEM;

	while (code == 0) {
		int got = next_line(&l, &line, &len);

		if (got == 0)
			break;
		if (got == 1)
			code = visit_line(line, len, visit, arg, &unread, err);
		else if (got != ERR_LIMIT)
			code = got;
		else if (unread++ == 0)
			err_set(err, 0, "a line of postqueue -j is longer than 16 MiB");
	}
	free(l.buffer);
	*ret_unread = unread;
	return code;
}

/* ---- the program */

static int spawn(struct postqueue_run *run, const struct postfix *p, int output, struct err *err)
{
	struct strbuf program = {0};
	int code;

	strbuf_printf(&program, "%s/postqueue", p->command_directory);
	const char *argv[] = {strbuf_text(&program), "-c", p->config_directory, "-j", NULL};
	code = program.failed ? err_sys(err, ENOMEM, "failed to start postqueue")
			      : child_spawn(argv, -1, output, run->errors, &run->pid, err);
	strbuf_release(&program);
	return code;
}

int postqueue_start(const struct postfix *p, struct postqueue_run *ret, struct err *err)
{
	struct postqueue_run run = {.pid = -1, .output = -1, .errors = -1};
	int pipes[2] = {-1, -1};
	int code;

	run.errors = memfd_create("postqueue-errors", MFD_CLOEXEC);
	if (run.errors < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		code = err_sys(err, errno, "failed to make a pipe");
	else
		code = spawn(&run, p, pipes[1], err);
	io_close(&pipes[1]);
	if (code < 0) {
		io_close(&pipes[0]);
		io_close(&run.errors);
		return code;
	}
	run.output = pipes[0];
	*ret = run;
	return 0;
}

/* The last line of what it said, in buf. */
static const char *last_words(int fd, char *buf, size_t size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t len = -1;
	char *newline;

	if (end >= 0 && lseek(fd, end < (off_t)size ? 0 : end - (off_t)size + 1, SEEK_SET) >= 0)
		len = io_read_all(fd, buf, size - 1);
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len > 0 ? len : 0] = '\0';
	newline = strrchr(buf, '\n');
	if (newline)
		return newline + 1;
	return *buf ? buf : "it said nothing";
}

int postqueue_finish(struct postqueue_run *run, bool at_once, struct err *err)
{
	char words[ERRORS_READ];
	bool late;
	int status = child_end(run->pid, at_once, clock_steady() + END_TIMEOUT, &late), code = 0;

	if (WIFSIGNALED(status) && !at_once)
		code = err_set(err, ERR_CHILD, "postqueue -j died of signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		code = err_set(err, ERR_CHILD, "postqueue -j failed (%s)",
		    last_words(run->errors, words, sizeof(words)));
	io_close(&run->output);
	io_close(&run->errors);
	*run = (struct postqueue_run){.pid = -1, .output = -1, .errors = -1};
	return code;
}
