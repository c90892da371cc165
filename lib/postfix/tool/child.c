/* SPDX-License-Identifier: ISC */
/* Uses posix_spawn because fork is slow in a large process. */
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/config/instance.h"
#include "postfix/tool/child.h"

#define STOP_LOOK (50 * INT64_C(1000)) /* microseconds between looks at the stop flag */

#define TOOL_WORDS  3
#define TOOL_OUTPUT ((size_t)1 << 20)
#define TOOL_TIME   (30 * USEC_PER_SEC)

static char *const environment[] = {
    (char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
    (char[]){"LC_ALL=C"},
    NULL,
};

static int direct(posix_spawn_file_actions_t *actions, int fd, int to)
{
	if (fd < 0)
		return posix_spawn_file_actions_addopen(
		    actions, to, "/dev/null", to ? O_WRONLY : O_RDONLY, 0);
	return posix_spawn_file_actions_adddup2(actions, fd, to);
}

static int plan_descriptors(posix_spawn_file_actions_t *actions, const int fds[3], int kept)
{
	int e = 0;
	for (int n = 0; n < 3 && !e; n++)
		e = direct(actions, fds[n], n);
	if (!e && kept >= 0)
		e = posix_spawn_file_actions_adddup2(actions, kept, 3);
	return e ? e : posix_spawn_file_actions_addclosefrom_np(actions, kept < 0 ? 3 : 4);
}

static int plan_signals(posix_spawnattr_t *attributes)
{
	static const int defaults[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1,
	    SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t none, usual;
	int e;

	sigemptyset(&none);
	sigemptyset(&usual);
	for (size_t n = 0; n < COUNT_OF(defaults); n++)
		sigaddset(&usual, defaults[n]);
	if ((e = posix_spawnattr_setsigmask(attributes, &none)) != 0 ||
	    (e = posix_spawnattr_setsigdefault(attributes, &usual)) != 0 ||
	    (e = posix_spawnattr_setpgroup(attributes, 0)) != 0)
		return e;
	return posix_spawnattr_setflags(
	    attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int child_spawn(const char *const argv[], const int fds[3], int kept, pid_t *ret, struct err *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int e;

	if ((e = posix_spawn_file_actions_init(&actions)) != 0)
		return err_sys(err, e, "failed to start %s", argv[0]);
	if ((e = posix_spawnattr_init(&attributes)) != 0)
		goto out;
	if ((e = plan_descriptors(&actions, fds, kept)) == 0 &&
	    (e = plan_signals(&attributes)) == 0)
		e = posix_spawn(
		    ret, argv[0], &actions, &attributes, (char *const *)argv, environment);
	posix_spawnattr_destroy(&attributes);
out:
	posix_spawn_file_actions_destroy(&actions);
	return e ? err_sys(err, e, "failed to start %s", argv[0]) : 0;
}

int child_watch(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

struct bounds {
	int64_t deadline; /* steady clock */
	const volatile sig_atomic_t *stop;
};

/* Returns 0 to go on waiting, ERR_STOPPED or ERR_TIMEOUT. */
static int is_over(const struct bounds *b)
{
	if (b->stop && *b->stop)
		return ERR_STOPPED;
	return clock_steady() >= b->deadline ? ERR_TIMEOUT : 0;
}

static int64_t next_look(const struct bounds *b)
{
	int64_t look = b->stop ? clock_steady() + STOP_LOOK : b->deadline;

	return look < b->deadline ? look : b->deadline;
}

/* Waits for pid, which has closed its pipes. If code is not 0, or when the bounds are exceeded,
 * kills its process group. Returns the code; *ret_status is that of waitpid(2). */
static int child_end(pid_t pid, int code, const struct bounds *bounds, int *ret_status)
{
	AUTO(io_close) int watch = child_watch(pid);

	while (code == 0 && watch >= 0 && io_wait(watch, POLLIN, next_look(bounds)) == 0)
		code = is_over(bounds);
	if (code)
		kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return code;
}

struct intake {
	int ends[2]; /* ours is -1 once closed */
	struct strbuf text;
	size_t max;
	bool keep_tail; /* past max bytes drop the oldest; otherwise fail */
};

static void intake_release(struct intake *in)
{
	io_close(&in->ends[0]);
	io_close(&in->ends[1]);
	strbuf_release(&in->text);
}

static int take(struct intake *in)
{
	char chunk[16384];
	ssize_t n = read(in->ends[0], chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (n == 0) {
		io_close(&in->ends[0]);
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

static int collect(struct intake *out, struct intake *errors, const struct bounds *bounds)
{
	int code = 0;

	io_close(&out->ends[1]);
	io_close(&errors->ends[1]);
	while (code == 0 && (out->ends[0] >= 0 || errors->ends[0] >= 0)) {
		struct pollfd fds[2] = {{out->ends[0], POLLIN, 0}, {errors->ends[0], POLLIN, 0}};
		int64_t left = next_look(bounds) - clock_steady();

		if (poll(fds, 2, left > 0 ? (int)(left / 1000) + 1 : 0) < 0 && errno != EINTR)
			return -errno;
		code = is_over(bounds);
		if (code)
			return code;
		if (fds[0].revents)
			code = take(out);
		if (code == 0 && fds[1].revents)
			code = take(errors);
	}
	return code;
}

static const char *last_line(struct strbuf *text)
{
	while (text->len > 0 && text->text[text->len - 1] == '\n')
		text->text[--text->len] = '\0';
	if (text->len == 0)
		return "it said nothing";
	char *newline = strrchr(text->text, '\n');
	return newline ? newline + 1 : text->text;
}

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

int postfix_run(const char *const argv[], size_t max, int64_t timeout,
    const volatile sig_atomic_t *stop, struct strbuf *ret_out, struct err *err)
{
	const struct bounds bounds = {clock_steady() + timeout, stop};
	struct intake out = {.ends = {-1, -1}, .max = max};
	struct intake errors = {.ends = {-1, -1}, .max = 65536, .keep_tail = true};
	pid_t pid = -1;
	int code, status = 0;

	if (pipe2(out.ends, O_CLOEXEC) < 0 || pipe2(errors.ends, O_CLOEXEC) < 0) {
		code = err_sys(err, errno, "failed to make a pipe");
		goto out;
	}
	code = child_spawn(argv, (int[]){-1, out.ends[1], errors.ends[1]}, -1, &pid, err);
	if (code < 0)
		goto out;
	code = child_end(pid, collect(&out, &errors, &bounds), &bounds, &status);
	code = verdict(argv[0], code, status, &errors.text, err);
	if (code >= 0) {
		*ret_out = out.text;
		out.text = (struct strbuf){0};
	}
out:
	intake_release(&out);
	intake_release(&errors);
	return code;
}

int postfix_tool(
    const struct postfix *p, const char *tool, const char *const *words, struct err *err)
{
	AUTO(strbuf_release) struct strbuf program = {0}, out = {0};
	const char *argv[TOOL_WORDS + 4] = {NULL, "-c", p->config_directory};
	int code = -ENOMEM;

	strbuf_printf(&program, "%s/%s", p->command_directory, tool);
	argv[0] = strbuf_text(&program);
	for (size_t n = 0; n < TOOL_WORDS && words[n]; n++)
		argv[3 + n] = words[n];
	if (!program.failed)
		code = postfix_run(argv, TOOL_OUTPUT, TOOL_TIME, p->stop, &out, err);
	return code;
}
