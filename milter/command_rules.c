/* SPDX-License-Identifier: ISC */
/* The command's rules: in force, and waiting to be saved. */
#include "milter/command_rules.h"

#include <errno.h>

#include "index/request.h"
#include "index/rulebook.h"

void command_rules_release(struct command_rules *c)
{
	rulepack_release(&c->in_force);
	rulepack_release(&c->loaded);
	rule_list_release(&c->unsaved);
	strbuf_release(&c->unsaved_removed);
}

void command_rules_save(struct command_rules *c, struct txn *txn)
{
	struct strlist removed = strlist_of(&c->unsaved_removed);

	strlist_each (subject, &removed)
		rulebook_unset(txn, subject);
	for (size_t i = 0; i < c->unsaved.count; i++)
		rulebook_set(txn, &c->unsaved.list[i]);
}

void command_rules_saved(struct command_rules *c)
{
	rule_list_release(&c->unsaved);
	c->unsaved = (struct rule_list){0};
	strbuf_release(&c->unsaved_removed);
	rulepack_release(&c->in_force);
	c->in_force = c->loaded;
	c->loaded = (struct rulepack){{0}};
}

bool command_rules_all_saved(const struct command_rules *c)
{
	return c->unsaved.count == 0 && c->unsaved_removed.len == 0;
}

int command_rules_load(
    struct command_rules *c, struct txn *txn, int64_t wall, struct rule_list *ret)
{
	struct rule_list rules = {0};
	uint64_t damaged = 0;
	int code = rulebook_load(txn, wall, &rules, &damaged, &c->first_expiry);

	if (!code)
		code = rulepack_fill(&c->loaded, &rules);
	if (code) {
		rule_list_release(&rules);
		return code;
	}
	*ret = rules;
	return 0;
}

/* Takes the rule with this subject out of the list; true if there was one. */
static bool drop_subject(struct rule_list *rules, const char *subject)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (strcmp(rules->list[i].subject, subject) != 0)
			continue;
		rule_release(&rules->list[i]);
		memmove(&rules->list[i], &rules->list[i + 1],
		    (rules->count - i - 1) * sizeof(rules->list[0]));
		rules->count--;
		return true;
	}
	return false;
}

static int force_set(struct command_rules *c, struct span request, struct rule_list *rules,
    uint64_t *ret_value, struct err *err)
{
	struct rule rule = {0};
	struct rule copy = {0};
	int code = request_rule_of(request, &rule, err);

	if (!code)
		code = request_rule_of(request, &copy, err);
	if (code)
		goto out;
	drop_subject(&c->unsaved, rule.subject);
	*ret_value = drop_subject(rules, rule.subject);
	code = rule_list_add(&c->unsaved, &copy);
	if (!code)
		code = rule_list_add(rules, &rule);
out:
	rule_release(&copy);
	rule_release(&rule);
	return code;
}

static int force_unset(
    struct command_rules *c, struct span request, struct rule_list *rules, uint64_t *ret_value)
{
	const char *subject = NULL;
	int code = request_subject_of(request, &subject);

	if (code)
		return code;
	drop_subject(&c->unsaved, subject);
	strlist_push(&c->unsaved_removed, subject, strlen(subject));
	*ret_value = drop_subject(rules, subject);
	return c->unsaved_removed.failed ? -ENOMEM : 0;
}

int command_rules_force(struct command_rules *c, struct span request, struct rule_list *ret,
    uint64_t *ret_value, struct err *err)
{
	struct rule_list rules = {0};
	int code = rulepack_read(&c->in_force, &rules);

	if (code)
		return err_set(err, code, "failed to read the rules in force (%s)", err_word(code));
	if (request_kind_of(request) == REQUEST_RULE_SET)
		code = force_set(c, request, &rules, ret_value, err);
	else
		code = force_unset(c, request, &rules, ret_value);
	if (!code)
		code = rulepack_fill(&c->in_force, &rules);
	if (code) {
		rule_list_release(&rules);
		return code;
	}
	*ret = rules;
	return 0;
}

int command_rules_lost(struct command_rules *c)
{
	struct rule_list rules = {0};
	int code = rulepack_read(&c->in_force, &rules);

	if (code)
		return code;
	rule_list_release(&c->unsaved); /* they are among those in force */
	c->unsaved = rules;
	return 0;
}
