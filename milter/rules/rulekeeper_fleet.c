/* SPDX-License-Identifier: ISC */
/* Call everything here with `change` held. */

#include "base/clock.h"
#include "base/log.h"
#include "milter/rules/rulekeeper_private.h"
#include "rules/fleet_rules.h"

void keeper_fleet_read(struct rulekeeper *k)
{
	struct rule_list rules = {0};
	struct err err = {{0}};
	int code = fleet_rules_read(k->settings->state_directory, &rules, &err);

	if (code == 0 && rules.count > 0)
		code = rulekeeper_swap(k, ruleset_with(k->set, RULE_OF_FLEET, &rules));
	rule_list_release(&rules);
	if (code < 0)
		log_error("%s; the fleet's agent sends its rules again",
		    err.text[0] ? err.text : err_word(code));
}

static const struct rule_list *rules_of(const struct rulekeeper *k)
{
	return ruleset_rules(k->set, RULE_OF_FLEET);
}

int keeper_fleet_save(struct rulekeeper *k)
{
	struct err err = {{0}};

	if (!k->fleet_unsaved)
		return 0;
	int code = fleet_rules_save(k->settings->state_directory, rules_of(k), clock_wall(), &err);
	if (code < 0 && strcmp(k->fleet_error.text, err.text) != 0)
		log_error("%s; trying again each second", err.text);
	k->fleet_error = err;
	k->fleet_unsaved = code < 0;
	return code;
}

/* An agent that joins again hands over all rules; most are in force already. */
static int put_in_force(struct rulekeeper *k, struct rule_list *rules)
{
	AUTO(rule_list_release) struct rule_list old = {0};
	int code = rule_list_copy(&old, rules_of(k), clock_wall());
	const bool same = code == 0 && fleet_rules_same(&old, rules);

	if (code == 0 && !same)
		code = rulekeeper_swap(k, ruleset_with(k->set, RULE_OF_FLEET, rules));
	k->fleet_unsaved |= code == 0 && !same;
	return code;
}

int keeper_fleet_change(struct rulekeeper *k, struct fleet_change *change, struct err *err)
{
	AUTO(rule_list_release) struct rule_list rules = {0};
	int code = change->replace ? 0 : rule_list_copy(&rules, rules_of(k), change->wall);

	if (code < 0)
		err_set(err, code, "failed to take the fleet's rules (%s)", err_word(code));
	else
		code = fleet_rules_change(&rules, change, err);
	if (code == 0 && put_in_force(k, &rules) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	return code;
}

/* Expired rules do not match; this frees their memory. */
void keeper_fleet_expire(struct rulekeeper *k)
{
	k->fleet_unsaved |= keeper_drop_expired(k, RULE_OF_FLEET);
}
