/* SPDX-License-Identifier: ISC */
#include "purge/command.h"

#include "purge/door/ask_root.h"
#include "purge/door/behalf.h"
#include "purge/fleet/fleet_order.h"
#include "purge/session.h"
#include "purge/tell/say.h"

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
	const bool fleet = !s->behalf && s->options.fleet;
	int code = 0;

	if (s->options.help) {
		verb_help(stdout, s->verb);
		return EXIT_DONE;
	}
	if (s->options.version) {
		puts("pqpurge-idx " PQPURGE_VERSION);
		return EXIT_DONE;
	}
	const bool plain = !s->behalf && (fleet || s->verb->flags & VERB_PLAIN);
	if (s->behalf)
		code = behalf_check(s, err);
	else if (!plain && geteuid() != 0 && s->verb->flags & VERB_AT_DOOR)
		return ask_root(s, err);
	code = code ?: (plain ? session_open_plain : session_open)(s, err);
	if (code < 0)
		return code;
	return fleet ? verb_fleet(s, err) : s->verb->run(s, err);
}

/* Of a pipe or a socket. An earlier write may have failed, whose errno is gone. */
static bool reader_left(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

/* A report that could not be written is a failure. It is reported unless the reader closed the
 * pipe, or the failure was told. */
static int close_stdout(int status, bool told)
{
	int number = 0;

	if (fflush(stdout) != 0)
		number = errno;
	else if (!ferror(stdout))
		return status;
	if (!told && !reader_left())
		complain("the output could not be written%s%s.", number ? ": " : "",
		    number ? strerror(number) : "");
	return status == EXIT_DONE ? EXIT_SOME_FAILED : status;
}

int command_run(int argc, char **argv, const struct behalf *behalf)
{
	struct session session = {0};
	struct err err = {{0}};
	int code = behalf ? behalf_check_words(behalf, argc, argv, &err) : 0;
	bool told = false, failed;

	code = code ?: session_parse(&session, argc, argv, &err);
	session.behalf = behalf;
	code = code ?: run(&session, &err);
	/* The parent reports what behalf_check refused. If the reader closed the pipe, nobody needs
	 * a report. */
	told = code == -EPIPE || (behalf && behalf->answer && behalf->answer->refused.text[0]);
	failed = code < 0;
	if (failed && !told)
		code = fail(&session, code, &err);
	session_release(&session);
	return told ? EXIT_SOME_FAILED : close_stdout(code, failed);
}
