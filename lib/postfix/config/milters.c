/* SPDX-License-Identifier: ISC */
/* Parses milters as milter_new in Postfix's milter/milter.c does. */
#include "postfix/config/milters.h"
#include "base/net.h"

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

int milter_next(const char **at, struct milter *ret)
{
	if (!brace_list_next(at, &ret->text))
		return 0;
	const char *word = ret->text.at;
	word += strspn(word, BLANKS "{");
	snprintf(
	    ret->endpoint, sizeof(ret->endpoint), "%.*s", (int)strcspn(word, BLANKS "}"), word);
	return 1;
}

/* "name=value" or "{ name = value }". */
bool milter_attribute(const struct milter *m, const char *name, char *buf, size_t size)
{
	const char *at = m->text.at, *end = at + m->text.len;
	size_t len = strlen(name);

	if (*at != '{')
		return false;
	for (; at < end; at++) {
		const char *value = at + 1 + len;

		if (!strchr(BLANKS "{", *at) || strncmp(at + 1, name, len) != 0)
			continue;
		value += strspn(value, " ");
		if (*value != '=')
			continue;
		value += 1 + strspn(value + 1, " ");
		snprintf(buf, size, "%.*s", (int)strcspn(value, BLANKS "}"), value);
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
	const char *rest = strchr(endpoint, ':'), *colon;

	*buf = '\0';
	if (!rest || (!str_starts(endpoint, "inet:") && !str_starts(endpoint, "inet6:")))
		return buf;
	colon = strrchr(++rest, ':');
	if (!strchr(rest, '@') && colon)
		rest = colon + 1;
	snprintf(buf, size, "%.*s", (int)strcspn(rest, "@"), rest);
	return buf;
}

/* The host of an inet endpoint in either order, without brackets. "": any host. */
static const char *host_of(const char *endpoint, char *buf, size_t size)
{
	const char *rest = strchr(endpoint, ':') + 1, *at = strchr(rest, '@');
	const char *end = at ? rest + strlen(rest) : strrchr(rest, ':');

	rest = at ? at + 1 : rest;
	rest += *rest == '[';
	snprintf(buf, size, "%.*s", end ? (int)(end - rest) : 0, rest);
	buf[strcspn(buf, "]")] = '\0';
	return buf;
}

static bool is_loopback(const char *host)
{
	struct net_address address;

	return strcmp(host, "localhost") == 0 ||
	       (net_parse(host, &address) == 0 && net_is_loopback(&address));
}

/* Another host's filter may have the same port. A name is believed to be this host unless the
 * daemon listens on the loopback. */
static bool is_elsewhere(const char *theirs, const char *ours)
{
	struct net_address a, b;
	char there[MILTER_TEXT_MAX], here[MILTER_TEXT_MAX];

	host_of(theirs, there, sizeof(there));
	host_of(ours, here, sizeof(here));
	if (!*there || !*here)
		return false;
	if (is_loopback(here))
		return !is_loopback(there);
	return net_parse(there, &a) == 0 && net_parse(here, &b) == 0 && !net_equal(&a, &b) &&
	       strspn(here, "0.:") != strlen(here); /* it listens on all */
}

/* "pqpurge/milter.sock". */
static const char *last_two(const char *path)
{
	const char *at = path + strlen(path);
	unsigned slashes = 0;

	while (at > path && (slashes += at[-1] == '/') < 2)
		at--;
	return at;
}

const char *milter_mark(const char *socket, char *buf, size_t size)
{
	if (str_starts(socket, "fd:"))
		return "pqpurge";
	if (str_starts(socket, "inet"))
		return milter_port(socket, buf, size);
	const char *path = milter_path(socket);
	return path ? last_two(path) : "";
}

bool milter_is_daemon(const struct milter *m, const char *socket)
{
	char a[16], b[16];

	if (str_starts(socket, "fd:")) /* systemd chose the address; we do not know it */
		return strstr(m->endpoint, "pqpurge") != NULL;
	if (*milter_port(socket, b, sizeof(b)))
		return strcmp(milter_port(m->endpoint, a, sizeof(a)), b) == 0 &&
		       !is_elsewhere(m->endpoint, socket);
	const char *theirs = milter_path(m->endpoint);
	const char *ours = milter_path(socket);
	return theirs && ours && strcmp(last_two(theirs), last_two(ours)) == 0;
}

unsigned milter_find(const char *list, const char *socket, struct milter *ret)
{
	for (unsigned n = 1; milter_next(&list, ret); n++)
		if (milter_is_daemon(ret, socket))
			return n;
	return 0;
}

struct look {
	unsigned members, ours;
	bool first;       /* the first member is ours, and complete */
	struct span kept; /* the first member that is ours and complete */
};

/* See milter_list_join for "complete". */
static bool is_complete(const struct milter *m, const char *ours)
{
	struct milter want;
	char value[64];

	return milter_next(&ours, &want) && strcmp(want.endpoint, m->endpoint) == 0 &&
	       milter_attribute(m, "default_action", value, sizeof(value)) &&
	       milter_attribute(m, "command_timeout", value, sizeof(value));
}

static struct look look_at(const char *list, const char *ours, const char *socket)
{
	struct look look = {0};
	struct milter m;

	while (milter_next(&list, &m)) {
		look.members++;
		if (!milter_is_daemon(&m, socket))
			continue;
		look.ours++;
		if (!is_complete(&m, ours))
			continue;
		look.first |= look.members == 1;
		if (!look.kept.at)
			look.kept = m.text;
	}
	return look;
}

static void add_others(const char *list, const char *socket, struct strbuf *to)
{
	struct milter m;

	while (milter_next(&list, &m)) {
		if (milter_is_daemon(&m, socket))
			continue;
		strbuf_puts(to, to->len ? ", " : "");
		strbuf_add(to, m.text.at, m.text.len);
	}
}

static int check_braces(const char *raw, struct err *err)
{
	long depth = 0;

	for (const char *at = raw; *at && depth >= 0; at++)
		depth += (*at == '{') - (*at == '}');
	return depth == 0 ? 0 : err_set(err, ERR_SYNTAX, "braces that do not close: %s", raw);
}

static int finish(struct strbuf *ret, bool changed, const char *raw, struct err *err)
{
	if (!changed)
		strbuf_puts(ret, raw);
	return ret->failed ? err_sys(err, ENOMEM, "failed to keep a list of milters") : changed;
}

int milter_list_join(const char *ours, const char *socket, const char *raw, const char *expanded,
    struct strbuf *ret, struct err *err)
{
	struct look written = look_at(raw, ours, socket), look = look_at(expanded, ours, socket);
	bool changes = !look.first || look.ours != 1;
	int code = check_braces(raw, err);

	strbuf_clear(ret);
	if (code < 0 || !changes)
		return code < 0 ? code : finish(ret, false, raw, err);
	if (look.kept.at)
		strbuf_add(ret, look.kept.at, look.kept.len);
	else
		strbuf_puts(ret, ours);
	if (look.ours == 0 && written.members > 0)
		strbuf_printf(ret, ", %s", raw + strspn(raw, BLANKS));
	else
		add_others(written.ours == look.ours ? raw : expanded, socket, ret);
	return finish(ret, true, raw, err);
}

int milter_list_leave(const char *socket, const char *raw, struct strbuf *ret, struct err *err)
{
	struct look look = look_at(raw, "", socket);
	int code = check_braces(raw, err);

	strbuf_clear(ret);
	if (code < 0)
		return code;
	if (look.ours)
		add_others(raw, socket, ret);
	return finish(ret, look.ours > 0, raw, err);
}
