/* SPDX-License-Identifier: ISC */
#include "postfix/config/bypass_private.h"

static const char *const lists[] = {
    "smtpd_recipient_restrictions", "smtpd_end_of_data_restrictions"};

static bool begins(const struct span *s, const char *word)
{
	return s->len >= strlen(word) && str_starts_nocase(s->at, word);
}

static bool is_word(const struct span *s, const char *word)
{
	return s->len == strlen(word) && begins(s, word);
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

static struct policy_place place_of(const struct scope *s, size_t list)
{
	const char *socket = s->facts->policy_socket;

	if (!socket || !socket[0])
		return (struct policy_place){0};
	return policy_place_in(scope_value(s, lists[list]), socket);
}

bool policy_serves(const struct scope *s)
{
	for (size_t n = 0; n < COUNT_OF(lists); n++) {
		struct policy_place place = place_of(s, n);

		if (place.found && place.in_front.len == 0)
			return true;
	}
	return false;
}

bool policy_is_named(const struct bypass_facts *facts)
{
	struct scope s = {.facts = facts};

	for (size_t n = 0; n < facts->conf->service_count; n++) {
		s.service = &facts->conf->services[n];
		for (size_t list = 0; list < COUNT_OF(lists); list++)
			if (service_runs(s.service, "smtpd") && place_of(&s, list).found)
				return true;
	}
	return false;
}

static enum finding_level level_of(const struct scope *s)
{
	struct milter m;

	return scope_find_ours(s, &m) > 0 ? FINDING_NOTE : FINDING_FAULT;
}

static void check_list(struct scope *s, const char *list, const struct policy_place *place)
{
	const char *action = scope_value(s, "smtpd_policy_service_default_action");
	AUTO(strbuf_release) struct strbuf seen = {0};
	char own[64];

	if (milter_attribute(&place->entry, "default_action", own, sizeof(own)))
		action = own;
	if (!str_equal_nocase(action, "DUNNO"))
		scope_tell(s, "policy_default_action", FINDING_FAULT, list,
		    "has check_policy_service with default_action=%s: this applies to all mail "
		    "while the daemon is down; DUNNO lets it pass",
		    action);
	if (scope_misses(s, place->entry.endpoint, s->facts->policy_socket, &seen))
		scope_tell(s, "policy_unreachable", FINDING_FAULT, list,
		    "leads check_policy_service to %s; the daemon listens at %s",
		    strbuf_text(&seen), milter_path(s->facts->policy_socket));
	if (place->in_front.len > 0)
		scope_tell(s, "policy_not_first", level_of(s), list,
		    "has %.*s in front of check_policy_service: the policy front does not see "
		    "mail that this lets pass",
		    (int)(place->in_front.len < 60 ? place->in_front.len : 60),
		    (const char *)place->in_front.at);
}

void policy_check(struct scope *s)
{
	static const char *const lacking[] = {"mail is refused only after its content was sent",
	    "rules with HOLD and DISCARD do nothing, and mail is not recorded as it comes"};
	struct policy_place places[COUNT_OF(lists)];

	for (size_t n = 0; n < COUNT_OF(lists); n++) {
		places[n] = place_of(s, n);
		if (places[n].found)
			check_list(s, lists[n], &places[n]);
	}
	for (size_t n = 0; n < COUNT_OF(lists); n++)
		if (!places[n].found && places[!n].found)
			scope_tell(s, "policy_half", level_of(s), lists[n],
			    "lacks check_policy_service, which the other list has: %s", lacking[n]);
}
