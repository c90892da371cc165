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

/* Whether mail through this scope reaches the daemon with a queue ID. */
static bool records(const struct scope *s)
{
	struct milter m;

	return scope_find_ours(s, &m) > 0 && !*scope_value(s, "smtpd_proxy_filter") &&
	       !has_option(scope_value(s, "receive_override_options"), "no_milters");
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
	advice_milters(s->facts, scope_owner(s, s->list), s->list, &command);
	if (at == 0)
		findings_add(s->to, "milter_missing", FINDING_FAULT, strbuf_text(&command),
		    "%s does not name pqpurge-milter: such mail is not recorded", where);
	else
		findings_add(s->to, "milter_not_first", FINDING_FAULT, strbuf_text(&command),
		    "pqpurge-milter is not the first in %s: what a milter before it holds, or "
		    "changes, is not recorded as it is",
		    where);
	strbuf_release(&command);
}

void check_no_milters(const struct scope *s)
{
	const char *name = "receive_override_options", *at = scope_value(s, name);
	struct strbuf rest = {0}, command = {0};
	char where[128];
	struct span one;

	if (!has_option(at, "no_milters"))
		return;
	while (brace_list_next(&at, &one))
		if (one.len != strlen("no_milters") || strncmp(one.at, "no_milters", one.len) != 0)
			strbuf_printf(&rest, "%s%.*s", rest.len ? "," : "", (int)one.len,
			    (const char *)one.at);
	if (scope_owner(s, name) && rest.len == 0)
		advice_unset(s->facts, s->service, name, &command);
	else if (scope_owner(s, name))
		advice_override(s->facts, s->service, name, strbuf_text(&rest), &command);
	else
		advice_set(s->facts, name, strbuf_text(&rest), &command);
	findings_add(s->to, "no_milters", FINDING_FAULT, strbuf_text(&command),
	    "%s has no_milters: such mail is not recorded, nor the mail that a content filter "
	    "gives back there",
	    scope_place(s, name, where, sizeof(where)));
	strbuf_release(&rest);
	strbuf_release(&command);
}

/* Whether some smtpd on the loopback takes mail back from a filter and records it. */
static bool recorded_behind(const struct scope *s)
{
	static const char *const local[] = {"127.0.0.1:", "localhost:", "[::1]:"};
	const struct mailconf *conf = s->facts->conf;

	for (size_t n = 0; n < conf->service_count; n++) {
		struct scope other = *s;

		other.service = &conf->services[n];
		if (other.service == s->service || strcmp(other.service->program, "smtpd") != 0)
			continue;
		for (size_t l = 0; l < COUNT_OF(local); l++)
			if (str_starts(other.service->name, local[l]) && records(&other))
				return true;
	}
	return false;
}

void check_proxy(const struct scope *s)
{
	const char *name = "smtpd_proxy_filter", *filter = scope_value(s, name);
	struct strbuf command = {0};
	char where[128];

	if (!*filter)
		return;
	scope_place(s, name, where, sizeof(where));
	if (recorded_behind(s)) {
		findings_add(s->to, "proxy_filter", FINDING_NOTE, "",
		    "%s: recorded is what comes back from the filter", where);
		return;
	}
	if (scope_owner(s, name))
		advice_unset(s->facts, s->service, name, &command);
	else
		advice_set(s->facts, name, "", &command);
	findings_add(s->to, "proxy_filter", FINDING_FAULT, strbuf_text(&command),
	    "%s is %s: before a filter Postfix has no queue ID to record, and no smtpd on the "
	    "loopback that takes the mail back names the milter",
	    where, filter);
	strbuf_release(&command);
}

/* Looks for an action in each table that a parameter names. */
static void look_for(
    const struct scope *s, const char *name, const char *action, const char *id, const char *words)
{
	const char *at = scope_value(s, name);
	char where[128], table[512];
	struct strbuf command = {0};
	struct span one;

	scope_place(s, name, where, sizeof(where));
	while (brace_list_next(&at, &one)) {
		struct err err = {{0}};
		int found = ERR_REFUSED;

		snprintf(table, sizeof(table), "%.*s", (int)one.len, (const char *)one.at);
		if (s->facts->look)
			found = s->facts->look(s->facts->arg, table, action, &err);
		const char *path = strchr(table, '/');
		strbuf_clear(&command);
		if (path && !strchr(table, '{'))
			strbuf_printf(&command, "grep -in %s %s", action, path);
		if (found > 0)
			findings_add(s->to, id, FINDING_FAULT, strbuf_text(&command),
			    "%s (%s) has %s: %s", where, table, action, words);
		else if (found < 0)
			findings_add(s->to, id, FINDING_NOTE, strbuf_text(&command),
			    "%s (%s) may have %s: %s; it could not be looked at (%s)", where, table,
			    action, words, err.text[0] ? err.text : err_word(found));
	}
	strbuf_release(&command);
}

void check_maps(const struct scope *s)
{
	look_for(s, "smtpd_milter_maps", "DISABLE", "milter_maps",
	    "mail of such clients is not recorded");
}

void check_redirect(const struct scope *s)
{
	static const char *const names[] = {
	    "header_checks", "mime_header_checks", "nested_header_checks", "body_checks"};
	const char *first = scope_value(s, names[0]);

	for (size_t n = 0; n < COUNT_OF(names); n++)
		if (n == 0 || strcmp(scope_value(s, names[n]), first) != 0)
			look_for(s, names[n], "REDIRECT", "redirect",
			    "such mail is queued past all milters");
}
