/* SPDX-License-Identifier: ISC */
/* What lets mail by: each check looks at one way past the daemon, service by service. */
#include "base/clock.h"
#include "postfix/config/bypass_advice.h"

#define RETURN_PORT 10000               /* from here on bare ports are those of content filters */
#define TIMEOUT_MAX (10 * USEC_PER_SEC) /* what a daemon that hangs may cost a session */

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

/* ---- where a check looks */

struct scope {
	const struct bypass_facts *facts;
	const struct service *service;
	const char *list; /* the milters of this program */
	struct findings *to;
	struct strbuf command; /* what to type about the finding in the making */
	char place[128];
};

/* The value in force. */
static const char *value_of(const struct scope *s, const char *name)
{
	return mailconf_value(s->facts->conf, s->service, name);
}

/* The service, where it is that which sets the parameter; NULL: main.cf. */
static const struct service *owner_of(const struct scope *s, const char *name)
{
	return mailconf_overrides(s->facts->conf, s->service, name) ? s->service : NULL;
}

/* "smtpd_milters", or "smtpd_milters of submission/inet". What services have of main.cf is so found
 * in the same words, and told once. */
static const char *place_of(struct scope *s, const char *name)
{
	bool own = owner_of(s, name) != NULL;

	snprintf(s->place, sizeof(s->place), "%s%s%s", name, own ? " of " : "",
	    own ? s->service->name : "");
	return s->place;
}

/* The daemon in the list of this scope: its position from 1, 0 where it is not there. */
static unsigned find_ours(const struct scope *s, struct milter *ret)
{
	const char *at = value_of(s, s->list);

	for (unsigned n = 1; milter_next(&at, ret); n++)
		if (bypass_is_ours(s->facts, ret))
			return n;
	return 0;
}

/* The command that puts the daemon in front of the list that is there. */
static const char *advise_list(struct scope *s)
{
	advice_milters(s->facts, owner_of(s, s->list), s->list, &s->command);
	return strbuf_text(&s->command);
}

static const char *advise_look(struct scope *s, const char *name)
{
	advice_show(s->facts, owner_of(s, name), name, &s->command);
	return strbuf_text(&s->command);
}

/* Whether mail that comes in there goes to a content filter. */
static bool is_filtered(const struct scope *s)
{
	return *value_of(s, "content_filter") || *value_of(s, "smtpd_proxy_filter");
}

static bool some_are_filtered(const struct scope *s)
{
	struct scope other = {.facts = s->facts};

	for (size_t n = 0; n < s->facts->conf->service_count; n++) {
		other.service = &s->facts->conf->services[n];
		if (strcmp(other.service->program, "smtpd") == 0 && is_filtered(&other))
			return true;
	}
	return false;
}

/* Whether it takes mail back from a content filter: there is one, it does not send mail there
 * itself, and it listens on the loopback or on a bare port from 10000 on. */
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
	return inside && !is_filtered(s) && (owner_of(s, "content_filter") || some_are_filtered(s));
}

/* A service's own setting, where mail only comes back, is worth a note: rules saw that mail. */
static bool is_harmless(const struct scope *s, const char *name)
{
	return owner_of(s, name) && is_return(s);
}

static enum finding_level level_of(const struct scope *s, const char *name)
{
	return is_harmless(s, name) ? FINDING_NOTE : FINDING_FAULT;
}

/* What is lost where the daemon does not see mail. */
static const char *lost(const struct scope *s, const char *name)
{
	return is_harmless(s, name) ? "what a content filter gives back there is read from its "
				      "queue file; rules saw it when it came in"
				    : "no rule is applied to such mail";
}

/* ---- ways past the daemon */

static void check_list(struct scope *s)
{
	struct milter m;
	unsigned at = find_ours(s, &m);
	const char *command = at == 1 || is_harmless(s, s->list) ? "" : advise_list(s);

	if (at == 0)
		findings_add(s->to, "milter_missing", level_of(s, s->list), command,
		    "%s does not name pqpurge-milter: %s", place_of(s, s->list), lost(s, s->list));
	else if (at > 1)
		findings_add(s->to, "milter_not_first", level_of(s, s->list), command,
		    "pqpurge-milter is not the first in %s: it does not see mail that a milter "
		    "before it holds or refuses",
		    place_of(s, s->list));
}

static bool has_no_milters(const struct scope *s)
{
	const char *at = value_of(s, "receive_override_options");
	struct span one;

	while (brace_list_next(&at, &one))
		if (one.len == strlen("no_milters") && strncmp(one.at, "no_milters", one.len) == 0)
			return true;
	return false;
}

static void check_no_milters(struct scope *s)
{
	const char *name = "receive_override_options";

	if (has_no_milters(s))
		findings_add(s->to, "no_milters", level_of(s, name), advise_look(s, name),
		    "%s has no_milters: %s", place_of(s, name), lost(s, name));
}

/* Whether the daemon sees the header of mail that comes in through this scope. */
static bool sees_header(const struct scope *s)
{
	struct milter m;

	return find_ours(s, &m) > 0 && !*value_of(s, "smtpd_proxy_filter") && !has_no_milters(s);
}

/* The first smtpd that takes mail back from a filter, where the daemon does (or not) see it. */
static const struct service *find_return(const struct scope *s, bool seen)
{
	struct scope other = {.facts = s->facts, .list = s->list};

	for (size_t n = 0; n < s->facts->conf->service_count; n++) {
		other.service = &s->facts->conf->services[n];
		if (other.service != s->service && strcmp(other.service->program, "smtpd") == 0 &&
		    is_return(&other) && sees_header(&other) == seen)
			return other.service;
	}
	return NULL;
}

static void check_proxy(struct scope *s)
{
	const char *name = "smtpd_proxy_filter", *filter = value_of(s, name);
	const struct service *behind = find_return(s, false);
	bool seen = find_return(s, true) != NULL;

	if (!*filter)
		return;
	if (!seen && behind)
		advice_milters(s->facts, behind, s->list, &s->command);
	else
		advise_look(s, name);
	findings_add(s->to, "proxy_filter", seen ? FINDING_NOTE : FINDING_FAULT,
	    strbuf_text(&s->command), "%s is %s: there rules see sender, login and client; %s",
	    place_of(s, name), filter,
	    seen ? "the header From when the filter gives the mail back"
		 : "the header From nowhere, as no smtpd that takes the mail back names "
		   "pqpurge-milter");
}

/* Looks into each table that a parameter names. */
static void look_for(
    struct scope *s, const char *name, const char *lacking, const char *id, const char *words)
{
	const char *at = value_of(s, name), *path;
	char table[512];
	struct span one;

	while (brace_list_next(&at, &one)) {
		struct err err = {{0}};
		int found;

		snprintf(table, sizeof(table), "%.*s", (int)one.len, (const char *)one.at);
		found = s->facts->look(s->facts->p, table, lacking, &err);
		path = strchr(table, '/');
		strbuf_clear(&s->command);
		if (path && !strchr(table, '{'))
			strbuf_printf(&s->command, "grep %s '%s' %s", lacking ? "-vnF" : "-inw",
			    lacking ? lacking : "REDIRECT", path);
		if (found > 0)
			findings_add(s->to, id, level_of(s, name), strbuf_text(&s->command),
			    "%s (%s) %s", place_of(s, name), table, words);
		else if (found < 0)
			findings_add(s->to, id, FINDING_NOTE, strbuf_text(&s->command),
			    "%s (%s) perhaps %s; it could not be looked at (%s)", place_of(s, name),
			    table, words, err.text[0] ? err.text : err_word(found));
	}
}

static void check_maps(struct scope *s)
{
	char buf[16];

	look_for(s, "smtpd_milter_maps", bypass_mark(s->facts, buf, sizeof(buf)), "milter_maps",
	    "has lists of milters without pqpurge-milter: no rule is applied to mail of these "
	    "clients");
}

/* The other three have the value of header_checks unless they are set. */
static void check_redirect(struct scope *s)
{
	static const char *const names[] = {
	    "header_checks", "mime_header_checks", "nested_header_checks", "body_checks"};
	const char *first = value_of(s, names[0]);

	for (size_t n = 0; n < COUNT_OF(names); n++)
		if (n == 0 || strcmp(value_of(s, names[n]), first) != 0)
			look_for(s, names[n], NULL, "redirect",
			    "has REDIRECT: rules do not see the header From of such mail");
}

/* ---- what Postfix does when the daemon does not answer, and where it looks for it */

/* The daemon's attribute in the list, or main.cf's for all milters. */
static const char *term_of(
    const struct scope *s, const struct milter *m, const char *parameter, char *buf, size_t size)
{
	const char *attribute = parameter + strlen("milter_");

	return milter_attribute(m, attribute, buf, size) ? buf : value_of(s, parameter);
}

static void check_terms(struct scope *s)
{
	bool by_systemd = str_starts(s->facts->socket, "fd:");
	char action_buf[64], time_buf[64];
	const char *action, *text;
	int64_t time;
	struct milter m;

	if (!find_ours(s, &m))
		return;
	action = term_of(s, &m, "milter_default_action", action_buf, sizeof(action_buf));
	text = term_of(s, &m, "milter_command_timeout", time_buf, sizeof(time_buf));
	if (strcmp(action, "accept") != 0)
		findings_add(s->to, "default_action", FINDING_FAULT, advise_list(s),
		    "%s has default_action=%s: while the daemon is down that happens to all mail",
		    place_of(s, s->list), action);
	if (clock_parse_span(text, &time) == 0 && time > TIMEOUT_MAX)
		findings_add(s->to, by_systemd ? "socket_activation" : "command_timeout",
		    FINDING_FAULT, advise_list(s),
		    "%s has command_timeout=%s: each session waits that long for a daemon that "
		    "%s",
		    place_of(s, s->list), text,
		    by_systemd ? "is down, as systemd listens for it" : "hangs");
}

static bool is_file(const struct scope *s, const char *path, const char *ours)
{
	bool same;
	struct strbuf seen = {0};

	bypass_seen_path(s->facts, s->service, path, &seen);
	same = bypass_same_file(strbuf_text(&seen), ours);
	strbuf_release(&seen);
	return same;
}

/* The service that connects must find the daemon's socket where the list says that it is. */
static void check_reach(struct scope *s)
{
	const struct bypass_facts *f = s->facts;
	const char *ours = milter_path(f->socket), *path;
	bool chroot = s->service->chroot, reachable;
	struct strbuf seen = {0};
	struct milter m;

	if (!ours || !find_ours(s, &m) || !(path = milter_path(m.endpoint)) ||
	    is_file(s, path, ours))
		return;
	reachable = !chroot || bypass_is_below(ours, f->p->queue_directory);
	if (reachable)
		advise_list(s);
	else
		advice_column(f, s->service, "chroot", "n", &s->command);
	bypass_seen_path(f, s->service, path, &seen);
	if (!findings_have(s->to, "socket_unreachable", strbuf_text(&s->command)))
		findings_add(s->to, "socket_unreachable", FINDING_FAULT, strbuf_text(&s->command),
		    "%s (%s) looks for the socket at %s, %s chroot; the daemon listens at %s%s",
		    s->service->name, s->service->program, strbuf_text(&seen),
		    chroot ? "from its" : "without a", ours,
		    reachable ? ""
			      : ", which a chroot cannot reach: put it below the queue directory "
				"(socket in pqpurge.conf), or");
	strbuf_release(&seen);
}

/* ---- all of them */

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
    {check_terms, "smtpd", "smtpd_milters"},
    {check_terms, "cleanup", "non_smtpd_milters"},
    {check_reach, "smtpd", "smtpd_milters"},
    {check_reach, "cleanup", "non_smtpd_milters"},
};

static void run(const struct check *check, const struct bypass_facts *f, struct findings *to)
{
	struct scope scope = {.facts = f, .list = check->list, .to = to};

	for (size_t n = 0; n < f->conf->service_count; n++) {
		scope.service = &f->conf->services[n];
		if (strcmp(scope.service->program, check->program) == 0)
			check->run(&scope);
	}
	strbuf_release(&scope.command);
}

/* Whether `is` holds for some milter of some service that has milters. */
static bool any_milter(
    const struct bypass_facts *f, bool (*is)(const struct scope *s, const struct milter *m))
{
	struct scope s = {.facts = f};
	struct milter m;

	for (size_t n = 0; n < f->conf->service_count; n++) {
		s.service = &f->conf->services[n];
		bool smtpd = strcmp(s.service->program, "smtpd") == 0;
		if (!smtpd && strcmp(s.service->program, "cleanup") != 0)
			continue;
		const char *at = value_of(&s, smtpd ? "smtpd_milters" : "non_smtpd_milters");
		while (milter_next(&at, &m))
			if (is(&s, &m))
				return true;
	}
	return false;
}

static bool is_ours(const struct scope *s, const struct milter *m)
{
	return bypass_is_ours(s->facts, m);
}

/* That it could be ours is not enough here: the file must be the same. */
static bool is_same_socket(const struct scope *s, const struct milter *m)
{
	const char *ours = milter_path(s->facts->socket), *theirs = milter_path(m->endpoint);

	if (!ours || !theirs)
		return !ours && !theirs && is_ours(s, m);
	return is_file(s, theirs, ours);
}

bool bypass_names_socket(const struct bypass_facts *f)
{
	return any_milter(f, is_same_socket);
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
	if (!any_milter(facts, is_ours)) {
		findings_add(to, "not_set_up", FINDING_FAULT, "pqpurge-idx setup",
		    "Postfix does not know pqpurge-milter yet: no rule is applied to mail");
		return;
	}
	for (size_t n = 0; n < COUNT_OF(checks); n++)
		run(&checks[n], facts, to);
	check_ids(facts, to);
}
