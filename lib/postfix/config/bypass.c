/* SPDX-License-Identifier: ISC */
/* Each check looks at one service. */
#include <stdarg.h>

#include "base/clock.h"
#include "postfix/config/bypass_private.h"

#define RETURN_PORT 10000 /* from here on a bare port takes mail back from a content filter */
#define TIMEOUT_MAX (10 * USEC_PER_SEC) /* how long a hanging daemon may delay a session */

const char *const bypass_parameters[] = {"smtpd_milters", "non_smtpd_milters",
    "milter_default_action", "milter_command_timeout", "receive_override_options", "content_filter",
    "smtpd_proxy_filter", "smtpd_milter_maps", "header_checks", "mime_header_checks",
    "nested_header_checks", "body_checks", "enable_long_queue_ids", "smtpd_recipient_restrictions",
    "smtpd_end_of_data_restrictions", "smtpd_policy_service_default_action", NULL};

const char *scope_value(const struct scope *s, const char *name)
{
	return mailconf_value(s->facts->conf, s->service, name);
}

/* The service, if it sets the parameter itself; NULL if main.cf does. */
static const struct service *scope_owner(const struct scope *s, const char *name)
{
	return mailconf_overrides(s->facts->conf, s->service, name) ? s->service : NULL;
}

unsigned scope_find_ours(const struct scope *s, struct milter *ret)
{
	return milter_find(scope_value(s, s->list), s->facts->socket, ret);
}

static bool has_no_milters(const struct scope *s)
{
	return str_has_word(scope_value(s, "receive_override_options"), "no_milters");
}

static bool is_filtered(const struct scope *s)
{
	return *scope_value(s, "content_filter") || *scope_value(s, "smtpd_proxy_filter");
}

static const struct service *find_smtpd(const struct scope *s, bool (*is_it)(const struct scope *s))
{
	struct scope other = {.facts = s->facts, .list = s->list};

	for (size_t n = 0; n < s->facts->conf->service_count; n++) {
		other.service = &s->facts->conf->services[n];
		if (other.service != s->service && service_runs(other.service, "smtpd") &&
		    is_it(&other))
			return other.service;
	}
	return NULL;
}

/* Takes mail back from a content filter: it listens on the loopback or on a bare port >=
 * RETURN_PORT, another service sends mail to a filter, and this one does not. */
static bool is_return(const struct scope *s)
{
	static const char *const local[] = {"127.0.0.1:", "[127.0.0.1]:", "localhost:", "[::1]:"};
	const char *name = s->service->name;
	bool inside = false;
	char port[16];
	uint64_t n;

	for (size_t i = 0; i < COUNT_OF(local); i++)
		inside |= str_starts(name, local[i]);
	snprintf(port, sizeof(port), "%.*s", (int)strcspn(name, "/"), name);
	inside |= str_parse_u64(port, RETURN_PORT, UINT16_MAX, &n) == 0;
	return inside && !is_filtered(s) &&
	       (scope_owner(s, "content_filter") || find_smtpd(s, is_filtered));
}

/* The daemon sees the header of mail that comes back here. */
static bool is_seen_return(const struct scope *s)
{
	struct milter m;

	return is_return(s) && scope_find_ours(s, &m) > 0 &&
	       !*scope_value(s, "smtpd_proxy_filter") && !has_no_milters(s);
}

/* The service itself exempts mail back from a filter: the rules saw it when it came in. */
static bool is_harmless(const struct scope *s, const char *name)
{
	return scope_owner(s, name) && is_return(s);
}

/* The usual command: put the daemon first in a list, or show any other parameter. */
static void advise(struct scope *s, const char *name)
{
	if (name != s->list)
		advice_show(s->facts, scope_owner(s, name), name, &s->command);
	else if (!is_harmless(s, name))
		advice_milters(s->facts, scope_owner(s, name), name, &s->command);
}

void scope_tell(struct scope *s, const char *id, enum finding_level level, const char *name,
    const char *format, ...)
{
	const struct service *own = scope_owner(s, name);
	char words[768];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (s->command.len == 0)
		advise(s, name);
	findings_add(s->to, id, level, strbuf_text(&s->command), "%s%s%s %s", name,
	    own ? " of " : "", own ? own->name : "", words);
	strbuf_clear(&s->command);
}

static bool is_with_policy(const struct scope *s)
{
	return service_runs(s->service, "smtpd") && policy_serves(s);
}

static void tell_lost(struct scope *s, const char *id, const char *name, const char *words)
{
	bool harmless = is_harmless(s, name), policy = is_with_policy(s);

	scope_tell(s, id, harmless || policy ? FINDING_NOTE : FINDING_FAULT, name, "%s: %s", words,
	    harmless ? "the rules were applied to this mail on its first pass, before a content "
		       "filter returned it"
	    : policy ? "only the policy front sees mail there"
		     : "no rule is applied to mail there");
}

/* The attribute in the list, or else main.cf's parameter, which holds for all milters. */
static const char *term_of(
    const struct scope *s, const struct milter *m, const char *parameter, char *buf, size_t size)
{
	bool own = milter_attribute(m, parameter + strlen("milter_"), buf, size);

	return own ? buf : scope_value(s, parameter);
}

static void check_terms(struct scope *s, const struct milter *m)
{
	bool by_systemd = str_starts(s->facts->socket, "fd:");
	int64_t time;
	char buf[64];

	const char *term = term_of(s, m, "milter_default_action", buf, sizeof(buf));
	if (strcmp(term, "accept") != 0)
		scope_tell(s, "default_action", FINDING_FAULT, s->list,
		    "has default_action=%s: this applies to all mail while the daemon is down",
		    term);
	term = term_of(s, m, "milter_command_timeout", buf, sizeof(buf));
	if (clock_parse_span(term, &time) == 0 && time > TIMEOUT_MAX)
		scope_tell(s, by_systemd ? "socket_activation" : "command_timeout", FINDING_FAULT,
		    s->list,
		    "has command_timeout=%s: each session waits that long for a daemon that %s",
		    term, by_systemd ? "is down, as systemd listens for it" : "hangs");
}

bool scope_misses(
    const struct scope *s, const char *endpoint, const char *ours, struct strbuf *ret_seen)
{
	const char *path = milter_path(endpoint);

	if (!path || !milter_path(ours))
		return false;
	bypass_seen_path(s->facts, s->service, path, ret_seen);
	return !bypass_same_file(strbuf_text(ret_seen), milter_path(ours));
}

static void check_reach(struct scope *s, const struct milter *m)
{
	const char *ours = milter_path(s->facts->socket);
	const char *from = s->service->chroot ? "from the chroot" : "without a chroot";
	AUTO(strbuf_release) struct strbuf seen = {0}, words = {0};

	if (!scope_misses(s, m->endpoint, s->facts->socket, &seen))
		return;
	if (!s->service->chroot || bypass_is_below(ours, s->facts->p->queue_directory)) {
		scope_tell(s, "socket_unreachable", FINDING_FAULT, s->list,
		    "leads %s to %s; the daemon listens at %s", from, strbuf_text(&seen), ours);
		return;
	}
	strbuf_printf(&words, "%s/chroot=n", s->service->name);
	advice_postconf(s->facts, "-F", strbuf_text(&words), &s->command);
	scope_tell(s, "socket_unreachable", FINDING_FAULT, s->list,
	    "leads %s to %s; the daemon listens at %s, which a chroot cannot reach: put it below "
	    "the queue directory (socket in pqpurge.conf), or",
	    from, strbuf_text(&seen), ours);
}

/* The policy front alone sees this mail, or (from sendmail(1)) neither front does. Adds the
 * note. */
static bool is_left_to_policy(struct scope *s)
{
	bool smtpd = service_runs(s->service, "smtpd");

	if (smtpd ? !is_with_policy(s) : s->milters || !policy_is_named(s->facts))
		return false;
	advice_show(s->facts, scope_owner(s, s->list), s->list, &s->command);
	scope_tell(s, "policy_envelope", FINDING_NOTE, s->list, "does not name pqpurge-milter: %s",
	    smtpd ? "only the policy front sees that mail, so rules are not applied to the header "
		    "From"
		  : "no rule is applied to mail of sendmail(1)");
	return true;
}

static void check_list(struct scope *s)
{
	struct milter m;
	unsigned at = scope_find_ours(s, &m);

	if (at == 0 && is_left_to_policy(s))
		return;
	if (at == 0) {
		tell_lost(s, "milter_missing", s->list, "does not name pqpurge-milter");
		return;
	}
	if (at > 1)
		scope_tell(s, "milter_not_first", FINDING_FAULT, s->list,
		    "names pqpurge-milter behind another milter: the daemon does not see mail that "
		    "the other milter holds or refuses");
	check_terms(s, &m);
	check_reach(s, &m);
}

static void check_no_milters(struct scope *s)
{
	if (has_no_milters(s))
		tell_lost(s, "no_milters", "receive_override_options", "has no_milters");
}

static void check_proxy(struct scope *s)
{
	const char *name = "smtpd_proxy_filter", *filter = scope_value(s, name);
	const struct service *behind = find_smtpd(s, is_return);
	bool seen = find_smtpd(s, is_seen_return) != NULL;

	if (!*filter)
		return;
	if (!seen && behind)
		advice_milters(s->facts, behind, s->list, &s->command);
	scope_tell(s, "proxy_filter", seen ? FINDING_NOTE : FINDING_FAULT, name,
	    "is %s: rules see sender, login and client there; %s", filter,
	    seen ? "they see the header From when the filter gives the mail back"
		 : "they never see the header From, as no smtpd behind the filter names "
		   "pqpurge-milter");
}

static void look_for(
    struct scope *s, const char *name, const char *lacking, const char *id, const char *words)
{
	const char *at = scope_value(s, name), *path;
	char table[512];
	struct span one;

	while (brace_list_next(&at, &one)) {
		struct err err = {{0}};

		snprintf(table, sizeof(table), "%.*s", (int)one.len, (const char *)one.at);
		int found = s->facts->look(s->facts->p, table, lacking, &err);
		path = strchr(table, '/');
		if (found != 0 && path && !strchr(table, '{'))
			strbuf_printf(&s->command, "grep %s '%s' %s", lacking ? "-vnF" : "-inw",
			    lacking ? lacking : "REDIRECT", path);
		if (found > 0)
			scope_tell(s, id,
			    is_harmless(s, name) || is_with_policy(s) ? FINDING_NOTE
								      : FINDING_FAULT,
			    name, "(%s) %s", table, words);
		else if (found < 0)
			scope_tell(s, id, FINDING_NOTE, name,
			    "(%s) perhaps %s; it could not be read (%s)", table, words,
			    err.text[0] ? err.text : err_word(found));
	}
}

static void check_maps(struct scope *s)
{
	char buf[16];

	look_for(s, "smtpd_milter_maps", milter_mark(s->facts->socket, buf, sizeof(buf)),
	    "milter_maps",
	    "has lists of milters without pqpurge-milter: no rule is applied to mail of those "
	    "clients");
}

/* If unset, the other three have the value of header_checks. */
static void check_redirect(struct scope *s)
{
	static const char *const names[] = {
	    "header_checks", "mime_header_checks", "nested_header_checks", "body_checks"};

	for (size_t n = 0; n < COUNT_OF(names); n++)
		if (n == 0 || strcmp(scope_value(s, names[n]), scope_value(s, names[0])) != 0)
			look_for(s, names[n], NULL, "redirect",
			    "has REDIRECT: rules do not see the header From of such mail");
}

static void check_ids(struct scope *s)
{
	if (str_equal_nocase(scope_value(s, "enable_long_queue_ids"), "yes"))
		return;
	advice_postconf(s->facts, "-e", "enable_long_queue_ids = yes", &s->command);
	scope_tell(s, "short_ids", FINDING_NOTE, "enable_long_queue_ids",
	    "is no: Postfix soon gives a queue ID to other mail; pqpurge distinguishes the two, "
	    "other tools do not");
}

static const struct check {
	void (*run)(struct scope *s);
	const char *program, *list;
} checks[] = {
    {check_list, "smtpd", "smtpd_milters"},
    {check_list, "cleanup", "non_smtpd_milters"},
    {check_no_milters, "smtpd", "smtpd_milters"},
    {check_no_milters, "pickup", "non_smtpd_milters"},
    {check_no_milters, "qmqpd", "non_smtpd_milters"},
    {check_proxy, "smtpd", "smtpd_milters"},
    {check_maps, "smtpd", "smtpd_milters"},
    {check_redirect, "cleanup", "non_smtpd_milters"},
    {policy_check, "smtpd", "smtpd_milters"},
};

/* by_file: the same name is not enough, the endpoint must lead to the same file. */
static bool is_ours(const struct scope *s, const struct milter *m, bool by_file)
{
	bool ours = milter_path(s->facts->socket), theirs = milter_path(m->endpoint);
	AUTO(strbuf_release) struct strbuf seen = {0};

	if (!by_file || (!ours && !theirs))
		return milter_is_daemon(m, s->facts->socket);
	return ours && theirs && !scope_misses(s, m->endpoint, s->facts->socket, &seen);
}

static bool any_list_names(const struct bypass_facts *facts, bool by_file)
{
	struct scope s = {.facts = facts};
	struct milter m;

	for (size_t n = 0; n < 2 * facts->conf->service_count; n++) {
		const struct check *check = &checks[n % 2];
		const char *at;

		s.service = &facts->conf->services[n / 2];
		if (!service_runs(s.service, check->program))
			continue;
		for (at = scope_value(&s, check->list); milter_next(&at, &m);)
			if (is_ours(&s, &m, by_file))
				return true;
	}
	return false;
}

bool bypass_names_socket(const struct bypass_facts *facts)
{
	return any_list_names(facts, true);
}

bool bypass_is_past_rules(const struct finding *finding)
{
	return strstr(
		   " not_set_up milter_missing no_milters proxy_filter milter_maps redirect "
		   "socket_unreachable policy_envelope policy_missing policy_half policy_not_first "
		   "policy_unreachable ",
		   finding->id) != NULL;
}

void bypass_check(const struct bypass_facts *facts, struct findings *to)
{
	struct scope scope = {.facts = facts, .to = to, .milters = any_list_names(facts, false)};

	if (!scope.milters && !policy_is_named(facts)) {
		findings_add(to, "not_set_up", FINDING_FAULT, "pqpurge-idx setup",
		    "Postfix does not know pqpurge-milter yet: no rule is applied to mail");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(checks) * facts->conf->service_count; i++) {
		const struct check *check = &checks[i / facts->conf->service_count];

		scope.service = &facts->conf->services[i % facts->conf->service_count];
		scope.list = check->list;
		if (service_runs(scope.service, check->program))
			check->run(&scope);
	}
	if (facts->policy_socket && facts->policy_socket[0] && !policy_is_named(facts))
		findings_add(to, "policy_missing", FINDING_FAULT, "man pqpurge-milter",
		    "policy_socket is set, but no check_policy_service of Postfix leads to %s",
		    facts->policy_socket);
	scope.service = NULL;
	check_ids(&scope);
	strbuf_release(&scope.command);
}
