/* SPDX-License-Identifier: ISC */
/* postfix_run: a program of Postfix, its output collected within bounds of size and time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/config/instance.h"
#include "postfix/tool/child.h"

/* One pipe of the program: what came so far. */
struct intake {
	int fd; /* -1 after its end */
	struct strbuf text;
	size_t max;
	bool keep_tail; /* past max forget the beginning; else that is an error */
};

static int take(struct intake *in)
{
	char chunk[16384];
	ssize_t n = read(in->fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		io_close(&in->fd);
		return 0;
	}
	if (in->text.len + (size_t)n > in->max) {
		if (!in->keep_tail)
			return ERR_LIMIT;
		strbuf_clear(&in->text);
	}
	strbuf_add(&in->text, chunk, (size_t)n);
	return in->text.failed ? -ENOMEM : 0;
}

/* Reads both pipes until both ended. */
static int collect(struct intake *out, struct intake *errors, int64_t deadline)
{
	while (out->fd >= 0 || errors->fd >= 0) {
		struct pollfd fds[2] = {{out->fd, POLLIN, 0}, {errors->fd, POLLIN, 0}};
		int64_t left = deadline - clock_steady();
		int code = 0;

		if (left <= 0)
			return ERR_TIMEOUT;
		if (poll(fds, 2, (int)(left / 1000) + 1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			code = take(out);
		if (!code && fds[1].revents)
			code = take(errors);
		if (code)
			return code;
	}
	return 0;
}

static const char *last_line(struct strbuf *text)
{
	char *newline;

	while (text->len > 0 && text->text[text->len - 1] == '\n')
		text->text[--text->len] = '\0';
	if (text->len == 0)
		return "it said nothing";
	newline = strrchr(text->text, '\n');
	return newline ? newline + 1 : text->text;
}

static int open_pipes(int out[2], int errors[2], struct err *err)
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(err, errno, "failed to make a pipe");
	if (pipe2(errors, O_CLOEXEC) < 0)
		return err_sys(err, errno, "failed to make a pipe");
	return 0;
}

/* What a run that ended (or was ended) amounts to. */
static int verdict(const char *program, int code, int status, struct strbuf *words, struct err *err)
{
	if (code)
		return err_set(err, code, "%s was ended (%s)", program, err_word(code));
	if (WIFSIGNALED(status))
		return err_set(err, ERR_CHILD, "%s died of signal %d", program, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		err_set(err, 0, "%s failed (%s)", program, last_line(words));
	return WEXITSTATUS(status);
}

int postfix_run(
    const char *const argv[], size_t max, int64_t timeout, struct strbuf *ret_out, struct err *err)
{
	int64_t deadline = clock_steady() + timeout;
	int out_pipe[2] = {-1, -1}, error_pipe[2] = {-1, -1};
	struct intake out = {.fd = -1, .max = max};
	struct intake errors = {.fd = -1, .max = 65536, .keep_tail = true};
	bool late;
	pid_t pid;
	int code, status;

	if ((code = open_pipes(out_pipe, error_pipe, err)) < 0)
		goto out;
	if ((code = child_spawn(argv, -1, out_pipe[1], error_pipe[1], &pid, err)) < 0)
		goto out;
	io_close(&out_pipe[1]);
	io_close(&error_pipe[1]);
	out.fd = out_pipe[0];
	errors.fd = error_pipe[0];
	out_pipe[0] = error_pipe[0] = -1;

	code = collect(&out, &errors, deadline);
	status = child_end(pid, code != 0, deadline, &late);
	code = verdict(argv[0], late ? ERR_TIMEOUT : code, status, &errors.text, err);
	if (code >= 0) {
		*ret_out = out.text;
		out.text = (struct strbuf){0};
	}
out:
	io_close(&out_pipe[0]);
	io_close(&out_pipe[1]);
	io_close(&error_pipe[0]);
	io_close(&error_pipe[1]);
	io_close(&out.fd);
	io_close(&errors.fd);
	strbuf_release(&out.text);
	strbuf_release(&errors.text);
	return code;
}
