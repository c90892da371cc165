/* SPDX-License-Identifier: ISC */
/* The detector's configuration, from settings. */
#pragma once

#include "flood/flood.h"

struct flood_setup {
	struct flood_config config;
	struct settings_exempt exempt[FLOOD_EXEMPT_MAX];
	char *exempt_text;
	struct net_blocks own; /* own_networks */
};
/* Chooses a random secret. ERR_LIMIT: too many exemptions. Release *s after the detector. */
int flood_setup_init(
    struct flood_setup *s, const struct settings *settings, struct err *err) NODISCARD;
void flood_setup_release(struct flood_setup *s);
bool flood_is_own(const struct flood_setup *s, const struct net_address *client);

/* The action against an incident of this kind if flood_watch = act. */
enum flood_action { FLOOD_WARN, FLOOD_HOLD, FLOOD_DEFER, FLOOD_REJECT };
enum flood_action flood_action_of(const struct settings *settings, enum flood_kind kind);
/* Never for bounce, "*" and cut keys; for a domain and this host only if forced. */
bool flood_may_act(const struct settings *settings, const struct flood_incident *i);
/* The pattern of the rule for an incident's key ("login:joe"), or "". It matches this key only,
 * whatever characters a stranger chose. */
void flood_rule_pattern(const struct flood_incident *i, char *buf, size_t size);
