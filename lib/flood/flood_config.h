/* SPDX-License-Identifier: ISC */
/* The detector's configuration, made from settings. */
#pragma once

#include "base/settings/settings.h"
#include "flood/flood.h"

/* A configuration with the memory that it points to. */
struct flood_setup {
	struct flood_config config;
	struct flood_exempt exempt[FLOOD_EXEMPT_MAX];
	char *exempt_text;
	struct net_block *own; /* own_networks, and loopback */
	size_t own_count;
};
/* secret is random. ERR_LIMIT for too many exemptions. Release it after the detector. */
int flood_setup_init(
    struct flood_setup *s, const struct settings *settings, struct err *err) NODISCARD;
void flood_setup_release(struct flood_setup *s);
bool flood_is_own(const struct flood_setup *s, const struct net_address *client);
bool flood_is_loopback(const struct net_address *client);

/* The action for an incident of this kind, with flood_watch = act. */
enum flood_action { FLOOD_WARN, FLOOD_HOLD, FLOOD_DEFER, FLOOD_REJECT };
enum flood_action flood_action_of(const struct settings *settings, enum flood_kind kind);
/* Whether a rule may be set at all. Not for bounce, "*", cut keys, and this host without force. */
bool flood_may_act(const struct settings *settings, const struct flood_incident *i);
/* The pattern of the rule for an incident's key ("login:joe"), or "" if there is none. It means
 * this key alone, whatever characters a stranger chose. */
void flood_rule_pattern(const struct flood_incident *i, char *buf, size_t size);
