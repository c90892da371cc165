/* SPDX-License-Identifier: ISC */
/* What lets mail by: which check looks where. */
#include "postfix/config/bypass_scope.h"

#include "base/str.h"

#define RETURN_PORT 10000 /* from here on bare ports are those of content filters */

const char *const bypass_parameters[] = {
    "smtpd_milters",
    "non_smtpd_milters",
    "milter_default_action",
    "milter_command_timeout",
    "receive_override_options",
    "content_filter",
    "smtpd_proxy_filter",
    "smtpd_milter_maps",
    "header_checks",
    "mime_header_checks",
    "nested_header_checks",
    "body_checks",
    "enable_long_queue_ids",
    NULL,
};

const char *scope_value(const struct scope *s, const char *name)
{
	return mailconf_value(s->facts->conf, s->service, name);
}

const char *scope_place(const struct scope *s, const char *name, char *buf, size_t size)
{
	bool own = mailconf_overrides(s->facts->conf, s->service, name);

	snprintf(buf, size, "%s%s%s", name, own ? " of " : "", own ? s->service->name : "");
	return buf;
}

const struct service *scope_owner(const struct scope *s, const char *name)
{
	return mailconf_overrides(s->facts->conf, s->service, name) ? s->service : NULL;
}

unsigned scope_find_ours(const struct scope *s, struct milter *ret)
{
	const char *at = scope_value(s, s->list);

	for (unsigned n = 1; milter_next(&at, ret); n++)
		if (bypass_is_ours(s->facts, ret))
			return n;
	return 0;
}

/* Whether mail that comes in there goes to a content filter. */
static bool is_filtered(const struct scope *s)
{
	return *scope_value(s, "content_filter") || *scope_value(s, "smtpd_proxy_filter");
}

static bool some_are_filtered(const struct scope *s)
{
	struct scope other = *s;

	for (size_t n = 0; n < s->facts->conf->service_count; n++) {
		other.service = &s->facts->conf->services[n];
		if (strcmp(other.service->program, "smtpd") == 0 && is_filtered(&other))
			return true;
	}
	return false;
}

bool scope_is_return(const struct scope *s)
{
	static const char *const local[] = {"127.0.0.1:", "[127.0.0.1]:", "localhost:", "[::1]:"};
	const char *name = s->service ? s->service->name : "";
	bool inside = false;
	char port[16];
	uint64_t n;

	for (size_t i = 0; i < COUNT_OF(local); i++)
		inside |= str_starts(name, local[i]);
	snprintf(port, sizeof(port), "%.*s", (int)strcspn(name, "/"), name);
	inside |= str_parse_u64(port, RETURN_PORT, UINT16_MAX, &n) == 0;
	return inside && !is_filtered(s) &&
	       (mailconf_overrides(s->facts->conf, s->service, "content_filter") ||
		   some_are_filtered(s));
}

enum finding_level scope_level(const struct scope *s)
{
	return scope_is_return(s) ? FINDING_NOTE : FINDING_FAULT;
}

#define NAMES_MAX 4

struct check {
	void (*run)(const struct scope *s);
	const char *program, *list;
	const char *names[NAMES_MAX]; /* a service that sets one of these is looked at by itself */
};

static const struct check checks[] = {
    {check_list, "smtpd", "smtpd_milters", {"smtpd_milters"}},
    {check_list, "cleanup", "non_smtpd_milters", {"non_smtpd_milters"}},
    {check_no_milters, "smtpd", "smtpd_milters", {"receive_override_options"}},
    {check_no_milters, "pickup", "non_smtpd_milters", {"receive_override_options"}},
    {check_no_milters, "qmqpd", "non_smtpd_milters", {"receive_override_options"}},
    {check_proxy, "smtpd", "smtpd_milters", {"smtpd_proxy_filter"}},
    {check_maps, "smtpd", "smtpd_milters", {"smtpd_milter_maps"}},
    {check_redirect, "cleanup", "non_smtpd_milters",
	{"header_checks", "mime_header_checks", "nested_header_checks", "body_checks"}},
    {check_action, "smtpd", "smtpd_milters", {"smtpd_milters", "milter_default_action"}},
    {check_action, "cleanup", "non_smtpd_milters", {"non_smtpd_milters", "milter_default_action"}},
    {check_timeout, "smtpd", "smtpd_milters", {"smtpd_milters", "milter_command_timeout"}},
    {check_timeout, "cleanup", "non_smtpd_milters",
	{"non_smtpd_milters", "milter_command_timeout"}},
    {check_activation, "smtpd", "smtpd_milters", {"smtpd_milters", "milter_default_action"}},
};

static bool differs(
    const struct bypass_facts *f, const struct service *service, const struct check *check)
{
	for (size_t n = 0; n < NAMES_MAX && check->names[n]; n++)
		if (mailconf_overrides(f->conf, service, check->names[n]))
			return true;
	return false;
}

/* Main.cf is looked at where some service goes by it, or where there is none that could differ. */
static void run(const struct check *check, const struct bypass_facts *f, struct findings *to)
{
	struct scope scope = {.facts = f, .list = check->list, .to = to};
	bool main_counts = false, seen = false;

	for (size_t n = 0; n < f->conf->service_count; n++)
		if (strcmp(f->conf->services[n].program, check->program) == 0) {
			seen = true;
			main_counts |= !differs(f, &f->conf->services[n], check);
		}
	if (!seen)
		return;
	if (main_counts)
		check->run(&scope);
	for (size_t n = 0; n < f->conf->service_count; n++) {
		scope.service = &f->conf->services[n];
		if (strcmp(scope.service->program, check->program) == 0 &&
		    differs(f, scope.service, check))
			check->run(&scope);
	}
}

/* Each service that has milters, with its list. The next from *n on, false at the end. */
static bool next_scope(struct scope *s, size_t *n)
{
	while (*n < s->facts->conf->service_count) {
		s->service = &s->facts->conf->services[(*n)++];
		s->list = strcmp(s->service->program, "smtpd") == 0     ? "smtpd_milters"
			  : strcmp(s->service->program, "cleanup") == 0 ? "non_smtpd_milters"
									: NULL;
		if (s->list)
			return true;
	}
	return false;
}

/* Chroots are a service's own affair, so each is looked at. */
static void run_reach(const struct bypass_facts *f, struct findings *to)
{
	struct scope scope = {.facts = f, .to = to};

	for (size_t n = 0; next_scope(&scope, &n);)
		check_reach(&scope);
}

static bool is_set_up(const struct bypass_facts *f)
{
	struct scope scope = {.facts = f};
	struct milter m;

	for (size_t n = 0; next_scope(&scope, &n);)
		if (scope_find_ours(&scope, &m))
			return true;
	return false;
}

/* That it could be ours is not enough here: the file must be the same. */
static bool is_same_socket(const struct scope *s, const struct milter *m)
{
	const struct bypass_facts *f = s->facts;
	const char *ours = milter_path(f->socket), *theirs = milter_path(m->endpoint);
	struct strbuf seen = {0};
	bool same;

	if (!ours || !theirs)
		return !ours && !theirs && bypass_is_ours(f, m);
	bypass_seen_path(f, s->service, theirs, &seen);
	same = strcmp(strbuf_text(&seen), ours) == 0 ||
	       (f->same_file && f->same_file(strbuf_text(&seen), ours));
	strbuf_release(&seen);
	return same;
}

bool bypass_names_socket(const struct bypass_facts *f)
{
	struct scope scope = {.facts = f};
	struct milter m;

	for (size_t n = 0; next_scope(&scope, &n);)
		for (const char *at = scope_value(&scope, scope.list); milter_next(&at, &m);)
			if (is_same_socket(&scope, &m))
				return true;
	return false;
}

static void check_ids(const struct bypass_facts *f, struct findings *to)
{
	struct strbuf command = {0};

	if (str_equal_nocase(mailconf_value(f->conf, NULL, "enable_long_queue_ids"), "yes"))
		return;
	advice_set(f, "enable_long_queue_ids", "yes", &command);
	findings_add(to, "short_ids", FINDING_NOTE, strbuf_text(&command),
	    "queue IDs are short: Postfix soon gives them to other mail; pqpurge tells these "
	    "apart, other tools do not");
	strbuf_release(&command);
}

bool bypass_is_past_rules(const struct finding *finding)
{
	static const char *const ids[] = {"not_set_up", "milter_missing", "no_milters",
	    "proxy_filter", "milter_maps", "redirect", "socket_unreachable"};

	for (size_t n = 0; n < COUNT_OF(ids); n++)
		if (strcmp(finding->id, ids[n]) == 0)
			return true;
	return false;
}

void bypass_check(const struct bypass_facts *facts, struct findings *to)
{
	if (!is_set_up(facts)) {
		findings_add(to, "not_set_up", FINDING_FAULT, "pqpurge-idx setup",
		    "Postfix does not know pqpurge-milter yet: no rule is applied to mail");
		return;
	}
	for (size_t n = 0; n < COUNT_OF(checks); n++)
		run(&checks[n], facts, to);
	run_reach(facts, to);
	check_ids(facts, to);
}
