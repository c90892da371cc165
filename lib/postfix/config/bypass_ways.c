/* SPDX-License-Identifier: ISC */
/* Ways past the daemon: each check looks at one. */
#include "postfix/config/bypass_scope.h"

static bool has_option(const char *list, const char *word)
{
	const char *at = list;
	struct span one;

	while (brace_list_next(&at, &one))
		if (one.len == strlen(word) && strncmp(one.at, word, one.len) == 0)
			return true;
	return false;
}

/* Whether the daemon sees the header of mail that comes in through this scope. */
static bool sees_header(const struct scope *s)
{
	struct milter m;

	return scope_find_ours(s, &m) > 0 && !*scope_value(s, "smtpd_proxy_filter") &&
	       !has_option(scope_value(s, "receive_override_options"), "no_milters");
}

/* What is lost where the daemon does not see mail. */
static const char *lost(const struct scope *s)
{
	return scope_is_return(s) ? "what a content filter gives back there is read from its queue "
				    "file; rules saw it when it came in"
				  : "no rule is applied to such mail";
}

void check_list(const struct scope *s)
{
	struct strbuf command = {0};
	char where[128];
	struct milter m;
	unsigned at = scope_find_ours(s, &m);

	if (at == 1)
		return;
	scope_place(s, s->list, where, sizeof(where));
	if (!scope_is_return(s))
		advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	if (at == 0)
		findings_add(s->to, "milter_missing", scope_level(s), strbuf_text(&command),
		    "%s does not name pqpurge-milter: %s", where, lost(s));
	else
		findings_add(s->to, "milter_not_first", scope_level(s), strbuf_text(&command),
		    "pqpurge-milter is not the first in %s: it does not see mail that a milter "
		    "before it holds or refuses",
		    where);
	strbuf_release(&command);
}

void check_no_milters(const struct scope *s)
{
	const char *name = "receive_override_options";
	struct strbuf command = {0};
	char where[128];

	if (!has_option(scope_value(s, name), "no_milters"))
		return;
	advice_show(s->facts, scope_owner(s, name), name, &command);
	findings_add(s->to, "no_milters", scope_level(s), strbuf_text(&command),
	    "%s has no_milters: %s", scope_place(s, name, where, sizeof(where)), lost(s));
	strbuf_release(&command);
}

/* The first smtpd that takes mail back from a filter, where the daemon does (or does not) see it.
 */
static bool find_return(const struct scope *s, bool seen, struct scope *ret)
{
	for (size_t n = 0; n < s->facts->conf->service_count; n++) {
		*ret = *s;
		ret->service = &s->facts->conf->services[n];
		if (ret->service != s->service && strcmp(ret->service->program, "smtpd") == 0 &&
		    scope_is_return(ret) && sees_header(ret) == seen)
			return true;
	}
	return false;
}

void check_proxy(const struct scope *s)
{
	const char *name = "smtpd_proxy_filter", *filter = scope_value(s, name);
	struct strbuf command = {0};
	struct scope behind;
	char where[128];
	bool seen;

	if (!*filter)
		return;
	seen = find_return(s, true, &behind);
	if (!seen && find_return(s, false, &behind))
		advice_milters(s->facts, behind.service, s->list, &command);
	else
		advice_show(s->facts, scope_owner(s, name), name, &command);
	findings_add(s->to, "proxy_filter", seen ? FINDING_NOTE : FINDING_FAULT,
	    strbuf_text(&command), "%s is %s: there rules see sender, login and client; %s",
	    scope_place(s, name, where, sizeof(where)), filter,
	    seen ? "the header From when the filter gives the mail back"
		 : "the header From nowhere, as no smtpd that takes the mail back names "
		   "pqpurge-milter");
	strbuf_release(&command);
}

/* Looks into each table that a parameter names. */
static void look_for(const struct scope *s, const char *name, bool without, const char *word,
    const char *id, const char *words)
{
	const char *at = scope_value(s, name), *path;
	char where[128], table[512], command[1024];
	struct span one;

	scope_place(s, name, where, sizeof(where));
	while (brace_list_next(&at, &one)) {
		struct err err = {{0}};
		int found = ERR_REFUSED;

		snprintf(table, sizeof(table), "%.*s", (int)one.len, (const char *)one.at);
		if (s->facts->look)
			found = s->facts->look(s->facts->arg, table, without, word, &err);
		path = strchr(table, '/');
		command[0] = '\0';
		if (path && !strchr(table, '{'))
			snprintf(command, sizeof(command), "grep %s '%s' %s",
			    without ? "-vnF" : "-inw", word, path);
		if (found > 0)
			findings_add(
			    s->to, id, scope_level(s), command, "%s (%s) %s", where, table, words);
		else if (found < 0)
			findings_add(s->to, id, FINDING_NOTE, command,
			    "%s (%s) perhaps %s; it could not be looked at (%s)", where, table,
			    words, err.text[0] ? err.text : err_word(found));
	}
}

void check_maps(const struct scope *s)
{
	char buf[16];

	look_for(s, "smtpd_milter_maps", true, bypass_mark(s->facts, buf, sizeof(buf)),
	    "milter_maps",
	    "has lists of milters without pqpurge-milter: no rule is applied to mail of these "
	    "clients");
}

void check_redirect(const struct scope *s)
{
	static const char *const names[] = {
	    "header_checks", "mime_header_checks", "nested_header_checks", "body_checks"};
	const char *first = scope_value(s, names[0]);

	for (size_t n = 0; n < COUNT_OF(names); n++)
		if (n == 0 || strcmp(scope_value(s, names[n]), first) != 0)
			look_for(s, names[n], false, "REDIRECT", "redirect",
			    "has REDIRECT: rules do not see the header From of such mail");
}
