/* SPDX-License-Identifier: ISC */
/* check_policy_service in the restriction lists of smtpd(8): whether it is the daemon's, and
 * whether something in front lets mail pass before it is asked. Private to lib/postfix/config. */
#pragma once

#include "postfix/config/bypass.h"
#include "postfix/config/milters.h"

struct policy_place {
	bool found;
	struct milter entry;  /* endpoint and attributes; views of the list */
	struct span in_front; /* the first restriction before it that may permit; len 0: none */
};
/* list: the value of a restriction list. socket: where the policy front listens. */
struct policy_place policy_place_in(const char *list, const char *socket);

/* Whether a list of any smtpd names the policy front. */
bool bypass_policy_is_named(const struct bypass_facts *facts);
/* Whether all mail of this smtpd meets the policy front, at RCPT or at its end. */
bool bypass_policy_serves(const struct bypass_facts *facts, const struct service *service);
/* Adds findings about the lists. IDs: policy_missing (alone), policy_half, policy_not_first,
 * policy_default_action, policy_unreachable. Those of a service whose mail the milter sees as well
 * are notes. */
void bypass_policy_check(const struct bypass_facts *facts, struct findings *to);
