/* SPDX-License-Identifier: ISC */
#include "postfix/config/bypass_policy.h"

#include "postfix/config/bypass_advice.h"

static const char *const lists[] = {
    "smtpd_recipient_restrictions", "smtpd_end_of_data_restrictions"};

static bool is_word(const struct span *s, const char *word)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)s->len, (const char *)s->at);
	return s->len < sizeof(text) && str_equal_nocase(text, word);
}

static bool begins(const struct span *s, const char *word)
{
	return s->len >= strlen(word) && str_starts_nocase(s->at, word);
}

static bool takes_argument(const struct span *s)
{
	static const char *const starts[] = {
	    "check_", "reject_rbl_", "reject_rhsbl_", "permit_dnswl_", "permit_rhswl_", "sleep"};

	for (size_t n = 0; n < COUNT_OF(starts); n++)
		if (begins(s, starts[n]))
			return true;
	return false;
}

/* Any other restriction, such as a table, may permit. */
static bool cannot_permit(const struct span *s)
{
	return begins(s, "reject") || begins(s, "defer") || begins(s, "sleep") ||
	       is_word(s, "warn_if_reject");
}

struct policy_place policy_place_in(const char *list, const char *socket)
{
	struct policy_place place = {0};
	struct span word, argument;

	while (brace_list_next(&list, &word)) {
		if (is_word(&word, "check_policy_service") && milter_next(&list, &place.entry)) {
			place.found = milter_is_daemon(&place.entry, socket);
			if (place.found)
				return place;
		} else if (takes_argument(&word)) {
			(void)brace_list_next(&list, &argument);
		}
		if (!cannot_permit(&word) && place.in_front.len == 0)
			place.in_front = word;
	}
	return place;
}

static struct policy_place place_of(
    const struct bypass_facts *facts, const struct service *service, size_t list)
{
	if (!facts->policy_socket || !facts->policy_socket[0])
		return (struct policy_place){0};
	return policy_place_in(
	    mailconf_value(facts->conf, service, lists[list]), facts->policy_socket);
}

bool bypass_policy_serves(const struct bypass_facts *facts, const struct service *service)
{
	for (size_t n = 0; n < COUNT_OF(lists); n++) {
		struct policy_place place = place_of(facts, service, n);

		if (place.found && place.in_front.len == 0)
			return true;
	}
	return false;
}

static bool is_smtpd(const struct service *s)
{
	return strcmp(s->program, "smtpd") == 0;
}

bool bypass_policy_is_named(const struct bypass_facts *facts)
{
	for (size_t n = 0; n < facts->conf->service_count; n++)
		for (size_t list = 0; list < COUNT_OF(lists); list++)
			if (is_smtpd(&facts->conf->services[n]) &&
			    place_of(facts, &facts->conf->services[n], list).found)
				return true;
	return false;
}

static bool has_milter(const struct bypass_facts *facts, const struct service *service)
{
	struct milter m;

	return milter_find(
		   mailconf_value(facts->conf, service, "smtpd_milters"), facts->socket, &m) > 0;
}

struct look {
	const struct bypass_facts *facts;
	const struct service *service;
	struct findings *to;
};

static void tell(const struct look *l, const char *id, bool always, size_t list, const char *words)
{
	bool own = mailconf_overrides(l->facts->conf, l->service, lists[list]);
	bool fault = always || !has_milter(l->facts, l->service);
	AUTO(strbuf_release) struct strbuf command = {0};

	advice_show(l->facts, own ? l->service : NULL, lists[list], &command);
	findings_add(l->to, id, fault ? FINDING_FAULT : FINDING_NOTE, strbuf_text(&command),
	    "%s%s%s %s", lists[list], own ? " of " : "", own ? l->service->name : "", words);
}

static void check_action(const struct look *l, size_t list, const struct policy_place *place)
{
	const char *action =
	    mailconf_value(l->facts->conf, l->service, "smtpd_policy_service_default_action");
	char own[64], words[256];

	if (milter_attribute(&place->entry, "default_action", own, sizeof(own)))
		action = own;
	if (str_equal_nocase(action, "DUNNO"))
		return;
	snprintf(words, sizeof(words),
	    "has check_policy_service with default_action=%s: this applies to all mail while the "
	    "daemon is down; DUNNO lets it pass",
	    action);
	tell(l, "policy_default_action", true, list, words);
}

static void check_reach(const struct look *l, size_t list, const struct policy_place *place)
{
	const char *ours = milter_path(l->facts->policy_socket);
	const char *path = milter_path(place->entry.endpoint);
	AUTO(strbuf_release) struct strbuf seen = {0};
	char words[768];

	if (!ours || !path)
		return;
	bypass_seen_path(l->facts, l->service, path, &seen);
	snprintf(words, sizeof(words), "leads check_policy_service to %s; the daemon listens at %s",
	    strbuf_text(&seen), ours);
	if (!bypass_same_file(strbuf_text(&seen), ours))
		tell(l, "policy_unreachable", true, list, words);
}

static void check_list(const struct look *l, size_t list, const struct policy_place *place)
{
	char words[256];

	check_action(l, list, place);
	check_reach(l, list, place);
	if (place->in_front.len == 0)
		return;
	snprintf(words, sizeof(words),
	    "has %.*s in front of check_policy_service: the policy front does not see mail that "
	    "this lets pass",
	    (int)(place->in_front.len < 60 ? place->in_front.len : 60),
	    (const char *)place->in_front.at);
	tell(l, "policy_not_first", false, list, words);
}

static void check_service(const struct look *l)
{
	static const char *const lacking[] = {
	    "lacks check_policy_service, which the other list has: mail is refused only after its "
	    "content was sent",
	    "lacks check_policy_service, which the other list has: rules with HOLD and DISCARD do "
	    "nothing, and mail is not recorded as it comes"};
	struct policy_place places[COUNT_OF(lists)];

	for (size_t n = 0; n < COUNT_OF(lists); n++) {
		places[n] = place_of(l->facts, l->service, n);
		if (places[n].found)
			check_list(l, n, &places[n]);
	}
	for (size_t n = 0; n < COUNT_OF(lists); n++)
		if (!places[n].found && places[!n].found)
			tell(l, "policy_half", false, n, lacking[n]);
}

void bypass_policy_check(const struct bypass_facts *facts, struct findings *to)
{
	struct look look = {.facts = facts, .to = to};

	if (!facts->policy_socket || !facts->policy_socket[0])
		return;
	if (!bypass_policy_is_named(facts)) {
		findings_add(to, "policy_missing", FINDING_FAULT, "man pqpurge-milter",
		    "policy_socket is set, but no check_policy_service of Postfix leads to %s",
		    facts->policy_socket);
		return;
	}
	for (size_t n = 0; n < facts->conf->service_count; n++) {
		look.service = &facts->conf->services[n];
		if (is_smtpd(look.service))
			check_service(&look);
	}
}
