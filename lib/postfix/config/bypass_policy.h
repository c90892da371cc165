/* SPDX-License-Identifier: ISC */
/* Private to lib/postfix/config. check_policy_service in the restriction lists of smtpd(8): does it
 * name our policy front, and can an earlier restriction permit mail before the front is asked? */
#pragma once

#include "postfix/config/bypass_advice.h"

struct policy_place {
	bool found;
	struct milter entry;  /* points into the list */
	struct span in_front; /* the first restriction before it that may permit; len 0: none */
};
/* socket: where the policy front listens. */
struct policy_place policy_place_in(const char *list, const char *socket);

/* Whether a list of any smtpd names it. */
bool policy_is_named(const struct bypass_facts *facts);
/* Whether the policy front sees all mail of this smtpd, at RCPT or at the end of data. */
bool policy_serves(const struct scope *s);
/* IDs: policy_half, policy_not_first, policy_default_action, policy_unreachable. The first two are
 * notes for a service whose mail the milter sees as well. */
void policy_check(struct scope *s);
