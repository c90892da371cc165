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
		code = rulekeeper_swap(k, ruleset_with_fleet(k->set, &rules));
	rule_list_release(&rules);
	if (code < 0)
		log_error("%s; the fleet's agent sends its rules again",
		    err.text[0] ? err.text : err_word(code));
}

static int copy_all(const struct rulekeeper *k, struct rule_list *ret)
{
	size_t begin = ruleset_command_count(k->set);
	int64_t wall = clock_wall();
	int code = 0;

	for (size_t n = 0; code == 0 && n < ruleset_fleet_count(k->set); n++) {
		const struct rule *r = ruleset_at(k->set, begin + n);

		if (!rule_expired(r, wall))
			code = rule_list_add_copy(ret, r);
	}
	return code;
}

int keeper_fleet_save(struct rulekeeper *k)
{
	AUTO(rule_list_release) struct rule_list rules = {0};
	struct err err = {{0}};

	if (!k->fleet_unsaved)
		return 0;
	int code = copy_all(k, &rules);
	code = code ?: fleet_rules_save(k->settings->state_directory, &rules, clock_wall(), &err);
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
	int code = copy_all(k, &old);
	const bool same = code == 0 && fleet_rules_same(&old, rules);

	if (code == 0 && !same)
		code = rulekeeper_swap(k, ruleset_with_fleet(k->set, rules));
	k->fleet_unsaved |= code == 0 && !same;
	return code;
}

int keeper_fleet_change(struct rulekeeper *k, struct fleet_change *change, struct err *err)
{
	AUTO(rule_list_release) struct rule_list rules = {0};
	int code = change->replace ? 0 : copy_all(k, &rules);

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
	AUTO(rule_list_release) struct rule_list rules = {0};

	if (keeper_has_expired(k, ruleset_command_count(k->set), ruleset_fleet_count(k->set)) &&
	    copy_all(k, &rules) == 0 && rulekeeper_swap(k, ruleset_with_fleet(k->set, &rules)) == 0)
		k->fleet_unsaved = true;
}
