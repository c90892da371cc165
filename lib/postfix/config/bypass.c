/* SPDX-License-Identifier: ISC */
/* What lets mail by: which check looks where. */
#include "postfix/config/bypass_scope.h"

const char *const bypass_parameters[] = {
    "smtpd_milters",
    "non_smtpd_milters",
    "milter_default_action",
    "milter_command_timeout",
    "milter_content_timeout",
    "receive_override_options",
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
    {check_timeout, "smtpd", "smtpd_milters",
	{"smtpd_milters", "milter_command_timeout", "milter_content_timeout"}},
    {check_timeout, "cleanup", "non_smtpd_milters",
	{"non_smtpd_milters", "milter_command_timeout", "milter_content_timeout"}},
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

/* Chroots are a service's own affair, so each is looked at. */
static void run_reach(const struct bypass_facts *f, struct findings *to)
{
	struct scope scope = {.facts = f, .to = to};

	for (size_t n = 0; n < f->conf->service_count; n++) {
		scope.service = &f->conf->services[n];
		if (strcmp(scope.service->program, "smtpd") == 0)
			scope.list = "smtpd_milters";
		else if (strcmp(scope.service->program, "cleanup") == 0)
			scope.list = "non_smtpd_milters";
		else
			continue;
		check_reach(&scope);
	}
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

void bypass_check(const struct bypass_facts *facts, struct findings *to)
{
	for (size_t n = 0; n < COUNT_OF(checks); n++)
		run(&checks[n], facts, to);
	run_reach(facts, to);
	check_ids(facts, to);
}
