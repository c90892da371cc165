/* SPDX-License-Identifier: ISC */
#include "base/settings/settings_table.h"

struct scan {
	char *at, *end;
	unsigned line;
	char quote; /* the quote that ends the current string; NUL outside */
	int depth;  /* of braces */
};

static char peek(const struct scan *s, size_t ahead)
{
	return (size_t)(s->end - s->at) > ahead ? s->at[ahead] : '\0';
}

static const char *check_quoted(struct scan *s)
{
	char c = s->at[0], next = peek(s, 1);

	if (c == '\n')
		return "the quoted value does not end on its line";
	if (c == s->quote) {
		s->quote = '\0';
	} else if (c == '\\') {
		if (s->quote == '"' && next >= '0' && next <= '9')
			return "octal escapes are not supported";
		if (next != '\n')
			s->at++;
	} else if (s->quote == '"' && c == '$' && next == '{') {
		return "environment variables are not supported";
	}
	return NULL;
}

static void blank_comment(struct scan *s)
{
	*s->at = ' ';
	while (s->at + 1 < s->end && s->at[1] != '\n')
		*++s->at = ' ';
}

/* libconfuse begins a comment at `#` and `//` even inside a word: it would cut /a//b. */
static const char *check_plain(struct scan *s, char before)
{
	char c = s->at[0], next = peek(s, 1);
	bool in_word = before != '\0' && !strchr(" \t\r\n=", before);

	s->depth += (c == '{') - (c == '}');
	if (c == '"' || c == '\'') {
		s->quote = c;
	} else if (c == '/' && next == '/' && in_word) {
		return "a value that holds // must be quoted";
	} else if (c == '#' || (c == '/' && next == '/')) {
		blank_comment(s);
	} else if (c == '/' && next == '*') {
		return "comments begin with #";
	} else if (c == '$' && next == '{') {
		return "environment variables are not supported";
	} else if (c == '+' || c == '*') {
		return "a value that holds + or * must be quoted";
	}
	return NULL;
}

int settings_prepare(
    char *text, size_t len, bool *ret_open, unsigned *ret_line, const char **ret_what)
{
	struct scan s = {.at = text, .end = text + len, .line = 1};
	const char *what = NULL;

	if (memchr(text, '\0', len))
		what = "the file holds a NUL byte";
	for (; !what && s.at < s.end; s.at++) {
		what = s.quote ? check_quoted(&s) : check_plain(&s, s.at > text ? s.at[-1] : '\0');
		if (!what && s.at < s.end && *s.at == '\n')
			s.line++;
	}
	if (!what && s.quote)
		what = "the quoted value does not end";
	*ret_open = !what && s.depth > 0;
	if (!what)
		return 0;
	*ret_line = s.line;
	*ret_what = what;
	return ERR_SYNTAX;
}
