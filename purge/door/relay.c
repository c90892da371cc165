/* SPDX-License-Identifier: ISC */
#include "purge/door/relay.h"

#include <pty.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/io.h"
#include "purge/command.h"
#include "purge/interrupt.h"
#include "purge/session.h"

#define STEP_MS 200 /* between checks of the stop flag */
#define CHUNK   32768

struct relay {
	int client;
	const struct relay_sink *sink;
	const struct behalf_answer *answer;
	int pipes[2]; /* the verb's stdout and stderr; -1 after their end */
	pid_t child;
	bool stopped; /* asked to stop */
	bool gone;    /* the client takes no output any more */
};

static int redirect(const int out[2], const int errors[2])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return null < 0 || dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(errors[1], 2) < 0
		   ? -errno
		   : 0;
}

/* The turn must last until this process has ended, even if its parent is killed. */
static void keep_turn(int turn)
{
	const bool kept = turn > 2 && dup2(turn, 3) == 3;

	close_range(kept ? 4 : 3, ~0u, 0);
}

_Noreturn static void work(const struct door_verb *verb, const struct behalf *behalf,
    const int out[2], const int errors[2])
{
	char **argv = calloc(verb->count + 2, sizeof(*argv));
	int status = EXIT_SOME_FAILED;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (argv && redirect(out, errors) == 0) {
		keep_turn(behalf->turn);
		argv[0] = (char[]){"pqpurge-idx"};
		memcpy(argv + 1, verb->words, verb->count * sizeof(*argv));
		status = command_run((int)verb->count + 1, argv, behalf);
	}
	fflush(NULL);
	_exit(status);
}

static void stop(struct relay *r)
{
	if (!r->stopped)
		kill(r->child, SIGTERM);
	r->stopped = true;
}

static void lose(struct relay *r, int code)
{
	if (code >= 0)
		return;
	r->gone = true;
	stop(r);
}

static void pass_on(struct relay *r, size_t n)
{
	char chunk[CHUNK];
	ssize_t got = read(r->pipes[n], chunk, sizeof(chunk));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		io_close(&r->pipes[n]);
		return;
	}
	if (!r->gone)
		lose(r, r->sink->take(r->sink->arg, n == 0 ? DOOR_SAYS : DOOR_COMPLAINS,
			    (struct span){chunk, (size_t)got}));
}

/* Clients send nothing after the order. Further bytes stop the verb as a closed connection does. */
static void pump(struct relay *r)
{
	while (r->pipes[0] >= 0 || r->pipes[1] >= 0) {
		struct pollfd fds[3] = {{r->pipes[0], POLLIN, 0}, {r->pipes[1], POLLIN, 0},
		    {r->stopped ? -1 : r->client, POLLIN | POLLRDHUP, 0}};

		if (poll(fds, COUNT_OF(fds), STEP_MS) < 0 && errno != EINTR)
			break;
		if (interrupt_stop || fds[2].revents)
			stop(r);
		for (size_t n = 0; n < 2; n++)
			if (fds[n].revents)
				pass_on(r, n);
		if (r->sink->tick && !r->gone)
			lose(r, r->sink->tick(r->sink->arg, r->answer->done, r->answer->of));
	}
}

static int end(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SOME_FAILED;
}

/* The daemon chose these words, although the child is root's. */
static void tell_flood(struct relay *r, const char *flood)
{
	size_t len = strnlen(flood, BEHALF_FLOOD_MAX);

	if (len && !r->gone)
		lose(r, r->sink->take(r->sink->arg, DOOR_FLOOD, (struct span){flood, len}));
}

/* If the client has a terminal, the verb gets one, so that it writes as for a terminal. */
static int open_output(uint32_t columns, int out[2], struct err *err)
{
	struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
	struct termios raw;
	int failed = columns ? openpty(&out[0], &out[1], NULL, NULL, &size) : pipe2(out, O_CLOEXEC);

	if (failed)
		return err_sys(err, errno, "failed to make a pipe");
	if (columns && tcgetattr(out[1], &raw) == 0) {
		cfmakeraw(&raw);
		(void)!tcsetattr(out[1], TCSANOW, &raw);
	}
	return fcntl(out[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(out[1], F_SETFD, FD_CLOEXEC) == 0
		   ? 0
		   : err_sys(err, errno, "failed to make a pipe");
}

static int start(
    struct relay *r, const struct door_verb *verb, const struct behalf *behalf, struct err *err)
{
	int out[2] = {-1, -1}, errors[2] = {-1, -1};
	int code = open_output(verb->columns, out, err);

	if (code == 0 && pipe2(errors, O_CLOEXEC) < 0)
		code = err_sys(err, errno, "failed to make a pipe");
	if (code == 0 && (r->child = fork()) < 0)
		code = err_sys(err, errno, "failed to start '%s'", verb->words[0]);
	if (code == 0 && r->child == 0)
		work(verb, behalf, out, errors);
	io_close(&out[1]);
	io_close(&errors[1]);
	r->pipes[0] = out[0];
	r->pipes[1] = errors[0];
	return code;
}

int relay_verb(const struct relay_sink *sink, int fd, const struct door_verb *verb,
    const struct behalf *behalf, struct door_end *ret, struct err *err)
{
	struct relay r = {.client = fd, .sink = sink, .pipes = {-1, -1}};
	struct behalf shared = *behalf;
	struct behalf_answer *answer =
	    mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (answer == MAP_FAILED)
		return err_sys(err, errno, "failed to start '%s'", verb->words[0]);
	shared.answer = answer;
	r.answer = answer;
	int code = start(&r, verb, &shared, err);
	if (code == 0) {
		pump(&r);
		ret->status = end(r.child);
		ret->matched = answer->matched;
		tell_flood(&r, answer->flood);
	}
	if (code == 0 && answer->refused.text[0])
		code = err_set(err, ERR_REFUSED, "%s", answer->refused.text);
	io_close(&r.pipes[0]);
	io_close(&r.pipes[1]);
	munmap(answer, sizeof(*answer));
	return code;
}
