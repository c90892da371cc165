/* SPDX-License-Identifier: ISC */
/* pqpurge-idx: the admin's command. Only here errors become words and exit statuses. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "purge/interrupt.h"
#include "purge/session.h"
#include "purge/tell/say.h"

/* A closed stdout becomes unwritable, so that a report which nobody gets is an error. */
static int guard_stdio(void)
{
	bool no_stdout = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	int code = io_guard_stdio();

	if (code == 0 && no_stdout) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			code = -errno;
		io_close(&fd);
	}
	return code;
}

static int fail(const struct session *s, int code, const struct err *err)
{
	const char *words = err->text[0] ? err->text : err_word(code);
	bool ends = strchr("?.", words[strlen(words) - 1]) != NULL;

	complain("%s%s", words, ends ? "" : ".");
	if (code == ERR_USAGE)
		say(stderr, "'pqpurge-idx %s%s--help' tells more.\n", s->verb ? s->verb->name : "",
		    s->verb ? " " : "");
	return session_exit_of(code);
}

static int run(struct session *s, struct err *err)
{
	int code;

	if (s->options.help) {
		verb_help(stdout, s->verb);
		return EXIT_DONE;
	}
	if (s->options.version) {
		puts("pqpurge-idx " PQPURGE_VERSION);
		return EXIT_DONE;
	}
	code = session_open(s, err);
	return code < 0 ? code : s->verb->run(s, err);
}

/* Whoever closed a pipe knows it; other write errors are told. */
static int close_stdout(int status)
{
	int number = 0;

	if (fflush(stdout) != 0)
		number = errno;
	else if (!ferror(stdout))
		return status;
	if (number != EPIPE)
		complain("the output could not be written%s%s.", number ? ": " : "",
		    number ? strerror(number) : "");
	return status == EXIT_DONE ? EXIT_SOME_FAILED : status;
}

int main(int argc, char **argv)
{
	struct session session;
	struct err err = {{0}};
	int code;

	if (guard_stdio() < 0)
		return EXIT_CANNOT;
	setlocale(LC_CTYPE, "");
	interrupt_begin();
	log_open("pqpurge-idx", LOG_TO_SYSLOG, false);
	code = session_parse(&session, argc, argv, &err);
	if (code == 0)
		code = run(&session, &err);
	if (code < 0 && code != -EPIPE)
		code = fail(&session, code, &err);
	session_release(&session);
	return code == -EPIPE ? EXIT_SOME_FAILED : close_stdout(code);
}
