/* SPDX-License-Identifier: ISC */
/* Members of lists, what a milter's says (milter/milter.c milter_new), and lists with the daemon
 * put in and taken out. */
#include "postfix/config/milters.h"

#include <errno.h>

#define BLANKS          ", \t\r\n"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

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

/* ---- editing: members */

static bool braces_close(const char *raw)
{
	long depth = 0;

	for (; *raw && depth >= 0; raw++)
		depth += (*raw == '{') - (*raw == '}');
	return depth == 0;
}

/* The value of a member that is `$name`, `${name}` or `$(name)` and nothing else; else NULL. */
static const char *value_of(const struct milter_list *l, struct span member)
{
	char text[128], *at = text + 1, *end;

	if (!l->value || member.len < 2 || member.len >= sizeof(text) ||
	    *(const char *)member.at != '$')
		return NULL;
	copy(text, sizeof(text), member.at, member.len);
	end = text + member.len;
	if ((*at == '{' && end[-1] == '}') || (*at == '(' && end[-1] == ')'))
		at++, *--end = '\0';
	if (at == end || at[strspn(at, NAME_CHARACTERS)])
		return NULL;
	return l->value(l->arg, at);
}

static bool has_ours(const struct milter_list *l, const char *list)
{
	struct milter m;

	while (milter_next(&list, &m))
		if (l->is_ours(l->arg, &m))
			return true;
	return false;
}

/* Whether a member that is the daemon needs no better words. */
static bool is_complete(const struct milter_list *l, const struct milter *m)
{
	const char *ours = l->ours;
	struct milter want;
	char value[64];

	return milter_next(&ours, &want) && strcmp(want.endpoint, m->endpoint) == 0 &&
	       milter_attribute(m, "default_action", value, sizeof(value)) &&
	       milter_attribute(m, "command_timeout", value, sizeof(value));
}

/* ---- what a list says, references followed */

struct look {
	unsigned members, ours;
	bool first;       /* the first of all is ours, and complete */
	struct span kept; /* the first complete one, as it is written */
};

static void look_at(const struct milter_list *l, const char *list, bool follow, struct look *look)
{
	struct milter m;

	while (milter_next(&list, &m)) {
		const char *value = follow ? value_of(l, m.text) : NULL;

		if (value) {
			look_at(l, value, false, look);
			continue;
		}
		look->members++;
		if (!l->is_ours(l->arg, &m))
			continue;
		look->ours++;
		if (!is_complete(l, &m))
			continue;
		look->first |= look->members == 1;
		if (!look->kept.at)
			look->kept = m.text;
	}
}

/* ---- writing */

static void add_member(struct strbuf *to, struct span member)
{
	if (to->len)
		strbuf_puts(to, ", ");
	strbuf_add(to, member.at, member.len);
}

/* The members that are not the daemon. A reference through which it comes is written out. */
static void add_others(
    const struct milter_list *l, const char *list, bool follow, struct strbuf *to)
{
	struct milter m;

	while (milter_next(&list, &m)) {
		const char *value = follow ? value_of(l, m.text) : NULL;

		if (value && has_ours(l, value))
			add_others(l, value, false, to);
		else if (value || !l->is_ours(l->arg, &m))
			add_member(to, m.text);
	}
}

static int finish(struct strbuf *ret, int code, struct err *err)
{
	return ret->failed ? err_sys(err, ENOMEM, "failed to keep a list of milters") : code;
}

static int begin(const char *raw, struct strbuf *ret, struct err *err)
{
	strbuf_clear(ret);
	if (!braces_close(raw))
		return err_set(err, ERR_SYNTAX, "braces that do not close: %s", raw);
	return 0;
}

int milter_list_join(
    const struct milter_list *l, const char *raw, struct strbuf *ret, struct err *err)
{
	struct look look = {0};
	int code = begin(raw, ret, err);

	if (code < 0)
		return code;
	look_at(l, raw, true, &look);
	if (look.first && look.ours == 1) {
		strbuf_puts(ret, raw);
		return finish(ret, 0, err);
	}
	if (look.kept.at)
		strbuf_add(ret, look.kept.at, look.kept.len);
	else
		strbuf_puts(ret, l->ours);
	if (look.ours == 0 && look.members > 0)
		strbuf_printf(ret, ", %s", raw + strspn(raw, ", \t\r\n"));
	else
		add_others(l, raw, true, ret);
	return finish(ret, 1, err);
}

int milter_list_leave(
    const struct milter_list *l, const char *raw, struct strbuf *ret, struct err *err)
{
	int code = begin(raw, ret, err);

	if (code < 0)
		return code;
	if (!has_ours(l, raw)) {
		strbuf_puts(ret, raw);
		return finish(ret, 0, err);
	}
	add_others(l, raw, false, ret);
	return finish(ret, 1, err);
}
