/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_link.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "purge/interrupt.h"

#define ANSWER_MAX (16u << 20)
#define STEP_MS    100
#define CLOSE_TIME (2 * USEC_PER_SEC) /* for an idle link to end */
#define CLOSE_MS   2

/* Next to this program, never by PATH. */
static int find_program(char path[PATH_MAX], struct err *err)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - sizeof(FLEET_LINK_PROGRAM) - 1);

	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (!slash)
		return err_set(err, ERR_CONFIG, "failed to find where this program lies");
	memcpy(slash + 1, FLEET_LINK_PROGRAM, sizeof(FLEET_LINK_PROGRAM));
	if (access(path, X_OK) == 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "there is no '%s', which connects to the fleet's database (package pqpurge-fleet)",
	    path);
}

/* The link has its own session, so ^C reaches only the command, which then says that the order
 * stands. */
_Noreturn static void become_link(const char *path, int fd)
{
	static char name[] = FLEET_LINK_PROGRAM, role[] = "operator";
	char *const argv[] = {name, role, NULL};

	setsid();
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0) {
		close_range(STDERR_FILENO + 1, ~0u, 0);
		execv(path, argv);
	}
	_exit(127);
}

static int start(struct fleet_link *link, struct err *err)
{
	int ends[2] = {-1, -1};
	char path[PATH_MAX];
	int code = find_program(path, err);

	if (code < 0)
		return code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "failed to start '%s'", path);
	link->pid = fork();
	if (link->pid == 0)
		become_link(path, ends[1]);
	io_close(&ends[1]);
	link->fd = ends[0];
	return link->pid < 0 ? err_sys(err, errno, "failed to start '%s'", path) : 0;
}

/* The link ends when its input ends, or it waits for a hanging database whose answer nobody
 * needs. */
static void await_end(pid_t pid)
{
	const int64_t deadline = clock_steady() + CLOSE_TIME;
	pid_t ended;

	while ((ended = waitpid(pid, NULL, WNOHANG)) == 0 && clock_steady() < deadline)
		poll(NULL, 0, CLOSE_MS);
	if (ended != 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void fleet_link_close(struct fleet_link *link)
{
	io_close(&link->fd);
	if (link->pid > 0)
		await_end(link->pid);
	link->pid = 0;
	strbuf_release(&link->in);
}

static int send_line(struct fleet_link *link, struct json *request, struct err *err)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	int code = json_write(&line, request);

	if (code < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	else if (io_write_all(link->fd, line.text, line.len) < 0)
		code = err_set(err, ERR_CHILD, "%s ended", FLEET_LINK_PROGRAM);
	return code;
}

static int read_more(struct fleet_link *link, struct err *err)
{
	char chunk[65536];
	ssize_t got = read(link->fd, chunk, sizeof(chunk));

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return err_set(err, ERR_CHILD, "%s ended without an answer", FLEET_LINK_PROGRAM);
	strbuf_add(&link->in, chunk, (size_t)got);
	if (link->in.failed || link->in.len > ANSWER_MAX)
		return err_set(err, ERR_CHILD, "the answer of %s is too long", FLEET_LINK_PROGRAM);
	return 0;
}

static int read_line(struct fleet_link *link, int64_t deadline, struct err *err)
{
	int code = 0;

	strbuf_clear(&link->in);
	while (code == 0 && !memchr(strbuf_text(&link->in), '\n', link->in.len)) {
		struct pollfd fd = {.fd = link->fd, .events = POLLIN};

		if (interrupt_stop)
			code = err_set(err, ERR_STOPPED, "interrupted");
		else if (clock_steady() > deadline)
			code = err_set(err, ERR_TIMEOUT, "the fleet's database does not answer");
		else if (poll(&fd, 1, STEP_MS) > 0)
			code = read_more(link, err);
	}
	return code;
}

static int error_of_answer(struct fleet_link *link, const struct json *answer, struct err *err)
{
	static const struct {
		const char *word;
		int code;
	} rows[] = {{"connect", ERR_CONFIG}, {"denied", -EACCES}, {"usage", ERR_USAGE},
	    {"refused", ERR_USAGE}, {"timeout", ERR_TIMEOUT}};
	const char *word = json_text(answer, "error"), *text = json_text(answer, "text");
	int code = ERR_CHILD;

	for (size_t n = 0; word && n < COUNT_OF(rows); n++)
		if (strcmp(word, rows[n].word) == 0)
			code = rows[n].code;
	link->lost = code == ERR_CONFIG;
	return err_set(err, code, "the fleet%s%s: %s", link->name ? " " : "",
	    link->name ? link->name : "",
	    text   ? text
	    : word ? word
		   : "no reason is known");
}

int fleet_link_ask(
    struct fleet_link *link, struct json *request, struct json **ret, struct err *err)
{
	struct json *answer = NULL;
	int code = send_line(link, request, err);

	link->lost = false;
	code = code ?: read_line(link, clock_steady() + FLEET_ANSWER_TIME, err);
	if (code == 0 && json_parse(link->in.text, link->in.len, &answer, err) < 0)
		code = err_set(err, ERR_CHILD, "the answer of %s is invalid", FLEET_LINK_PROGRAM);
	if (code == 0 && !json_bool(answer, "ok", false))
		code = error_of_answer(link, answer, err);
	if (code == 0 && ret)
		*ret = answer;
	else
		json_free(answer);
	return code;
}

int fleet_link_open(struct fleet_link *link, const char *fleet, const char *name, struct err *err)
{
	struct json *request = json_request("connect");

	*link = (struct fleet_link){.fd = -1, .name = name};
	json_put_text(request, "fleet", *fleet ? fleet : "service=pqpurge");
	int code = start(link, err);
	if (code == 0)
		return fleet_link_ask(link, request, NULL, err);
	json_free(request);
	return code;
}
