/* SPDX-License-Identifier: ISC */
/* Rules of origin fleet, which hold on all hosts of a fleet and come from its agent. They rank
 * below the command's rules and above those of the rules file. The file `fleet-rules` in
 * state_directory has the format of `rules` (rules/stored.h); it keeps them while the fleet's
 * database cannot be reached. */
#pragma once

#include "base/json.h"
#include "rules/rules_file.h"

#define FLEET_RULES_FILE "fleet-rules"
/* In force after a change; more are left out. */
#define FLEET_RULES_MAX   10000
#define FLEET_RULES_BYTES (4 << 20) /* of all texts */

struct fleet_change {
	const struct json *rules; /* an object with the array "rules" (milter/rules/rulekeeper.h) */
	bool replace;             /* the array is complete: drop all other rules of the fleet */
	const char *allow;        /* the setting fleet_allow */
	int64_t wall;
	/* Results: how many rules were left out, and why the first: fleet_allow or the grammar
	 * forbids them (then the old rule with that subject stays), or they exceed FLEET_RULES_MAX
	 * or FLEET_RULES_BYTES (then there is none). */
	size_t refused;
	struct err why;
};

/* Changes the rules in force. A rule is replaced or taken back only by the same spelling of a
 * login, whatever login_case is here, because to the database two spellings are two rules.
 * ERR_REFUSED if fleet_allow lacks "block". On ERR_SYNTAX or -ENOMEM rules is spoilt: release
 * it. */
int fleet_rules_change(
    struct rule_list *rules, struct fleet_change *change, struct err *err) NODISCARD;
/* Expiry may differ by 2 s, because it arrives as a time from now. */
bool fleet_rules_same(const struct rule_list *a, const struct rule_list *b);
/* A missing file means no rules. Skips malformed lines, because the agent sends all rules again. */
int fleet_rules_read(const char *directory, struct rule_list *ret, struct err *err) NODISCARD;
/* Syncs the file to disk. Expired rules are left out. */
int fleet_rules_save(
    const char *directory, const struct rule_list *rules, int64_t wall, struct err *err) NODISCARD;
