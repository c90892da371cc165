/* SPDX-License-Identifier: ISC */
#include "purge/tell/ask.h"

#include <termios.h>

#include "base/str.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

/* Byte by byte, so that nothing after the line is taken. 1: a line; 0: end of file or too long; -1:
 * a signal. */
static int read_line(int in, char *line, size_t size)
{
	size_t len = 0;

	for (;;) {
		char c;

		if (!interrupt_wait(in))
			return -1;
		if (read(in, &c, 1) <= 0)
			return 0;
		if (c == '\n')
			break;
		if (len + 1 < size)
			line[len] = c;
		len++;
	}
	if (len >= size)
		return 0;
	line[len] = '\0';
	return 1;
}

static char *trim(char *line)
{
	size_t len = strlen(line);

	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		line[--len] = '\0';
	return line + strspn(line, " \t");
}

static bool afresh;

void ask_afresh(void)
{
	afresh = true;
}

/* number NULL: the answer must be yes. */
static enum answer put_question(
    int in, FILE *out, const char *question, const char *hint, const char *number)
{
	char line[32], *answer;

	if (afresh)
		(void)tcflush(in, TCIFLUSH);
	say(out, "%s %s ", question, hint);
	fflush(out);
	int got = read_line(in, line, sizeof(line));
	if (got <= 0) {
		say(out, "\n");
		return got < 0 ? ANSWER_INTERRUPTED : ANSWER_NO;
	}
	answer = trim(line);
	if (number)
		return strcmp(answer, number) == 0 ? ANSWER_YES : ANSWER_NO;
	return str_equal_nocase(answer, "y") || str_equal_nocase(answer, "yes") ? ANSWER_YES
										: ANSWER_NO;
}

enum answer ask_yes(int in, FILE *out, const char *question)
{
	return put_question(in, out, question, "[y/N]", NULL);
}

enum answer ask_number(int in, FILE *out, const char *question, const char *what, uint64_t number)
{
	char want[24], hint[64];

	snprintf(want, sizeof(want), "%" PRIu64, number);
	snprintf(hint, sizeof(hint), "[type the number%s]", what);
	return put_question(in, out, question, hint, want);
}
