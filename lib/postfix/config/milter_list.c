/* SPDX-License-Identifier: ISC */
/* Putting the daemon into a list of milters, and taking it out again. */
#include "postfix/config/milter_list.h"

#include <errno.h>

/* ---- members */

static bool braces_close(const char *raw)
{
	long depth = 0;

	for (; *raw && depth >= 0; raw++)
		depth += (*raw == '{') - (*raw == '}');
	return depth == 0;
}

static bool is_name(const char *text, size_t len)
{
	for (size_t n = 0; n < len; n++)
		if (!strchr(
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", text[n]))
			return false;
	return len > 0;
}

/* The value of a member that is `$name`, `${name}` or `$(name)` and nothing else; else NULL. */
static const char *value_of(const struct milter_list *l, struct span member)
{
	const char *at = member.at;
	size_t len = member.len;
	char name[128];

	if (!l->value || len < 2 || *at != '$')
		return NULL;
	at++, len--;
	if (len > 2 &&
	    ((at[0] == '{' && at[len - 1] == '}') || (at[0] == '(' && at[len - 1] == ')')))
		at++, len -= 2;
	if (!is_name(at, len) || len >= sizeof(name))
		return NULL;
	memcpy(name, at, len);
	name[len] = '\0';
	return l->value(l->arg, name);
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
