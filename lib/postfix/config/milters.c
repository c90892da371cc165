/* SPDX-License-Identifier: ISC */
/* Members of lists, and what a milter's says (global/mail_params, milter/milter.c milter_new). */
#include "postfix/config/milters.h"

#include "base/str.h"

#define BLANKS ", \t\r\n"

int brace_list_next(const char **at, struct span *ret)
{
	const char *from = *at + strspn(*at, BLANKS), *end = from;
	unsigned depth = 0;

	if (!*from)
		return 0;
	for (; *end; end++) {
		depth += *end == '{';
		if (*end == '}' && depth > 0)
			depth--;
		if (depth == 0 && strchr(BLANKS, *end))
			break;
	}
	*ret = (struct span){.at = from, .len = (size_t)(end - from)};
	*at = end;
	return 1;
}

static void copy(char *buf, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(buf, from, len);
	buf[len] = '\0';
}

/* The first word inside the braces, or of a text without. Returns what is behind it. */
static const char *first_word(struct span text, const char **ret, size_t *ret_len)
{
	const char *from = text.at, *end = from + text.len;

	while (from < end && (*from == '{' || strchr(BLANKS, *from)))
		from++;
	*ret = from;
	while (from < end && *from != '}' && !strchr(BLANKS, *from))
		from++;
	*ret_len = (size_t)(from - *ret);
	return from;
}

int milter_next(const char **at, struct milter *ret)
{
	const char *word;
	size_t len;

	if (!brace_list_next(at, &ret->text))
		return 0;
	(void)first_word(ret->text, &word, &len);
	copy(ret->endpoint, sizeof(ret->endpoint), word, len);
	return 1;
}

bool milter_attribute(const struct milter *m, const char *name, char *buf, size_t size)
{
	const char *word, *end = (const char *)m->text.at + m->text.len;
	size_t len, name_len = strlen(name);
	const char *at = first_word(m->text, &word, &len);

	if (m->text.len == 0 || *(const char *)m->text.at != '{')
		return false;
	/* "name=value" or "{ name = value }" */
	for (; at < end; at++) {
		const char *value = at + 1 + name_len;

		if (!strchr(BLANKS "{", *at) || (size_t)(end - at) <= name_len + 1 ||
		    strncmp(at + 1, name, name_len) != 0)
			continue;
		while (value < end && *value == ' ')
			value++;
		if (value >= end || *value != '=')
			continue;
		value++;
		while (value < end && *value == ' ')
			value++;
		for (len = 0; value + len < end && !strchr(BLANKS "}", value[len]);)
			len++;
		copy(buf, size, value, len);
		return true;
	}
	return false;
}

const char *milter_path(const char *endpoint)
{
	static const char *const kinds[] = {"unix:", "local:"};

	for (size_t n = 0; n < COUNT_OF(kinds); n++)
		if (str_starts(endpoint, kinds[n]))
			return endpoint + strlen(kinds[n]);
	return *endpoint == '/' ? endpoint : NULL;
}

const char *milter_port(const char *endpoint, char *buf, size_t size)
{
	const char *port = NULL;
	size_t len = 0;

	if (str_starts(endpoint, "inet:") || str_starts(endpoint, "inet6:")) {
		const char *rest = strchr(endpoint, ':') + 1, *at = strchr(rest, '@');
		const char *colon = strrchr(rest, ':');

		port = at || !colon ? rest : colon + 1;
		len = at ? (size_t)(at - rest) : strlen(port);
	}
	copy(buf, size, port ? port : "", len);
	return buf;
}
