/* SPDX-License-Identifier: ISC */
/* An incident's rule. */
#include "base/clock.h"
#include "base/log.h"
#include "milter/flood/floodkeeper_private.h"

#define AUTHOR "flood:"

static const enum rule_action actions[] = {
    [FLOOD_WARN] = RULE_WARN,
    [FLOOD_HOLD] = RULE_HOLD,
    [FLOOD_DEFER] = RULE_DEFER,
    [FLOOD_REJECT] = RULE_REJECT,
};

const char *flood_action_word(const struct flood_incident *i)
{
	bool acted = (i->expires || !i->open) && i->action < COUNT_OF(actions);

	return rule_action_word(acted ? actions[i->action] : RULE_WARN);
}

/* Valid while the set is held. */
static const struct rule *deciding_rule(
    struct ruleset *set, const struct flood_incident *i, int64_t now)
{
	struct ruleset_query query = {.wall = now};
	struct address address;
	struct net_address client;
	AUTO(strbuf_release) struct strbuf text = {0};

	if (i->kind == FLOOD_LOGIN)
		query.login = i->key;
	if (i->kind == FLOOD_CLIENT) {
		strbuf_add(&text, i->key, strcspn(i->key, "/"));
		if (net_parse(strbuf_text(&text), &client) == 0)
			query.client = &client;
	} else if (i->kind != FLOOD_LOGIN) {
		strbuf_printf(&text, "%s%s", strchr(i->key, '@') ? "" : "x@", i->key);
		address_split(strbuf_text(&text), &address);
		query.address = &address;
	}
	struct ruleset_hit hit = ruleset_find(set, &query);
	return hit.rule;
}

/* NULL: none. Valid while the set is held. */
static const struct rule *command_rule_of(
    const struct floodkeeper *k, const struct ruleset *set, const char *subject, int64_t now)
{
	const struct rule_list *rules = ruleset_rules(set, RULE_OF_COMMAND);

	for (size_t n = 0; n < rules->count; n++) {
		const struct rule *r = &rules->list[n];

		if (!rule_expired(r, now) &&
		    rule_same_subject(r->subject, subject, k->settings->login_exact))
			return r;
	}
	return NULL;
}

static bool is_ours(const struct rule *r)
{
	return r && r->author && str_starts(r->author, AUTHOR);
}

static const char *why_no_rule(
    struct floodkeeper *k, const struct flood_incident *i, const struct rule *r, int64_t now)
{
	struct ruleset *set = rulekeeper_get(k->rules);
	const struct rule *before = command_rule_of(k, set, r->subject, now);
	const struct rule *passes = deciding_rule(set, i, now);
	const char *why = NULL;

	if (passes && passes->action == RULE_OK)
		why = "an OK rule lets its mail pass";
	else if (before && !is_ours(before))
		why = "there already is a rule for it";
	ruleset_unref(set);
	return why;
}

static int make(
    const struct floodkeeper *k, const struct flood_incident *i, int64_t now, struct rule *ret)
{
	enum flood_action action = flood_action_of(k->settings, i->kind);
	char pattern[FLOOD_KEY_MAX + 16], author[32], reason[64];

	flood_rule_pattern(i, pattern, sizeof(pattern));
	snprintf(author, sizeof(author), AUTHOR "%u", i->id);
	snprintf(reason, sizeof(reason), "flood %u", i->id);
	int code = rule_make(pattern, actions[action], NULL, ret, NULL);
	if (code == 0 && (code = rule_set_note(ret, reason, author, NULL)) != 0)
		rule_release(ret);
	if (code == 0)
		ret->expires = now / USEC_PER_SEC * USEC_PER_SEC + k->settings->flood[i->kind].last;
	return code;
}

static void set(struct floodkeeper *k, struct flood_incident *i, struct rule *r)
{
	int64_t expires = r->expires;
	enum rule_action action = r->action;
	struct err err = {{0}};

	if (rulekeeper_set(k->rules, r, &err) < 0) {
		log_error("flood %u: failed to set its rule (%s)", i->id, err.text);
		return;
	}
	i->expires = expires;
	for (size_t a = 0; a < COUNT_OF(actions); a++)
		if (actions[a] == action)
			i->action = (uint8_t)a;
}

/* The settings may be others than when its rule was set. */
static bool may_have_rule(const struct floodkeeper *k, const struct flood_incident *i)
{
	return k->settings->flood_watch == FLOOD_WATCH_ACT && i->mark != FLOOD_NORMAL &&
	       flood_action_of(k->settings, i->kind) != FLOOD_WARN && flood_may_act(k->settings, i);
}

void flood_act(struct floodkeeper *k, struct flood_incident *i, int64_t now)
{
	struct rule r;

	if (!may_have_rule(k, i))
		return;
	if (make(k, i, now, &r) != 0) {
		log_warning("flood %u: no rule can name its key", i->id);
		return;
	}
	const char *why = why_no_rule(k, i, &r, now);
	if (why)
		log_info("flood %u: no rule is set: %s", i->id, why);
	if (why)
		rule_release(&r);
	else
		set(k, i, &r);
}

void flood_unact(struct floodkeeper *k, struct flood_incident *i)
{
	char pattern[FLOOD_KEY_MAX + 16];
	int64_t now = clock_wall();
	struct rule r;

	if (!i->expires)
		return;
	i->expires = 0;
	flood_rule_pattern(i, pattern, sizeof(pattern));
	if (rule_make(pattern, RULE_OK, NULL, &r, NULL) != 0)
		return;
	struct ruleset *in_force = rulekeeper_get(k->rules);
	bool ours = is_ours(command_rule_of(k, in_force, r.subject, now));
	ruleset_unref(in_force);
	if (ours && rulekeeper_unset(k->rules, r.subject, NULL) < 0)
		log_error("flood %u: failed to remove its rule", i->id);
	rule_release(&r);
}

void flood_renew(struct floodkeeper *k, struct flood_incident *i, int64_t now)
{
	int64_t last = k->settings->flood[i->kind].last;
	struct rule r;

	if (make(k, i, now, &r) != 0)
		return;
	struct ruleset *in_force = rulekeeper_get(k->rules);
	const struct rule *before = command_rule_of(k, in_force, r.subject, now);
	bool ours = is_ours(before), expired = !before && now >= i->expires;
	if (before)
		i->hits = rule_hits(before);
	ruleset_unref(in_force);
	if (!ours && !expired)
		log_info("flood %u: its rule was removed or replaced, and is not set again", i->id);
	if (ours && i->expires - now < last / 2 && may_have_rule(k, i))
		set(k, i, &r);
	else
		rule_release(&r);
	if (!ours)
		i->expires = 0;
	if (expired) /* while the daemon was down */
		flood_act(k, i, now);
}
