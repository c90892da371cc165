/* SPDX-License-Identifier: ISC */
#include "purge/tell/say.h"

#include <stdarg.h>

#include "base/str.h"
#include "purge/tell/progress.h"

static void FORMAT(2, 0) say_list(FILE *to, const char *format, va_list values)
{
	char *text = NULL;

	progress_clear(to);
	for (; *format == '\n'; format++)
		fputc('\n', to);
	size_t end = strlen(format);
	while (end && format[end - 1] == '\n')
		end--;
	if (vasprintf(&text, format, values) < 0)
		return;
	size_t len = strlen(text) - strlen(format + end);
	text[len] = '\0';
	fputs(str_scrub(text, len + 1, text), to);
	fputs(format + end, to);
	free(text);
}

void say(FILE *to, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	say_list(to, format, values);
	va_end(values);
}

void complain(const char *format, ...)
{
	va_list values;

	/* so that it comes last if both go to one place */
	fflush(stdout);
	progress_clear(stderr);
	fputs("pqpurge-idx: ", stderr);
	va_start(values, format);
	say_list(stderr, format, values);
	va_end(values);
	fputc('\n', stderr);
}

/* The bytes of text that fit into room, up to a blank, or else to the end of a character. */
static size_t line_of(const char *text, size_t room)
{
	size_t len = strlen(text);

	if (len <= room)
		return len;
	for (len = room; len > 0 && text[len] != ' '; len--)
		;
	if (len > 0)
		return len;
	for (len = room; len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

static void fold(FILE *to, int indent, bool begun, const char *text)
{
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = line_of(text, (size_t)(SAY_WIDTH - indent));

		say(to, "%*s%.*s\n", begun ? 0 : indent, "", (int)len, text);
		begun = false;
		text += len;
	}
}

void say_fold(FILE *to, int indent, const char *text)
{
	fold(to, indent, false, text);
}

void say_fold_from(FILE *to, int indent, const char *text)
{
	fold(to, indent, true, text);
}
