/* SPDX-License-Identifier: ISC */
/*
 * Rules of origin fleet: set for all hosts of a fleet, handed over by its agent, below the
 * command's own and above the rules file's. The file `fleet-rules` in state_directory, written like
 * `rules` there (rules/stored.h), keeps them while the fleet's database is away.
 */
#pragma once

#include "base/json.h"
#include "rules/rules_file.h"

#define FLEET_RULES_FILE "fleet-rules"
#define FLEET_RULES_MAX  10000 /* further ones are left out */

struct fleet_change {
	const struct json *rules; /* an object with the array "rules" (milter/rules/rulekeeper.h) */
	bool replace;             /* these are all there are */
	const char *allow;        /* fleet_allow */
	int64_t wall;
	/* Results: left out, since fleet_allow or their grammar forbids them, and why the first. */
	size_t refused;
	struct err why;
};

/* Changes the rules in force. A rule is replaced or taken back by the same spelling of a login
 * only: for the database two spellings are two rules, whatever login_case is here. 0; ERR_REFUSED:
 * fleet_allow has no "block"; ERR_SYNTAX, -ENOMEM: the rules are then spoilt, release them. */
int fleet_rules_change(
    struct rule_list *rules, struct fleet_change *change, struct err *err) NODISCARD;
/* Whether both mean the same: a rule's end, which comes as a span from now, may differ by 2 s. */
bool fleet_rules_same(const struct rule_list *a, const struct rule_list *b);
/* A missing file means no rules. Lines that make no sense are left out: the agent sends all again.
 */
int fleet_rules_read(const char *directory, struct rule_list *ret, struct err *err) NODISCARD;
/* Replaces the file, durably; expired rules are left out. */
int fleet_rules_save(
    const char *directory, const struct rule_list *rules, int64_t wall, struct err *err) NODISCARD;
