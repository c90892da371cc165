/* SPDX-License-Identifier: ISC */
/* Searching a rule set: the order of ruleset.h, each step a hash lookup but for expressions. */
#include "base/str.h"
#include "rules/ruleset_private.h"

struct search {
	struct ruleset *set;
	const struct ruleset_query *query;
	struct ruleset_hit hit;
};

/* Takes rule n as the answer if it counts now; a WARN rule is noted and does not end the search. */
static bool take(struct search *s, uint32_t n)
{
	const struct rule *r;

	if (n == RULE_NONE)
		return false;
	r = &s->set->rules[n];
	if (rule_expired(r, s->query->wall))
		return false;
	if (r->action != RULE_WARN) {
		s->hit.rule = r;
		s->hit.index = n;
		return true;
	}
	if (!s->hit.warned) {
		s->hit.warned = r;
		s->hit.warned_index = n;
	}
	return false;
}

static bool ask(struct search *s, enum rule_class class, const void *key, size_t len)
{
	const struct rule_slot *slot = rule_table_find(&s->set->table, class, key, len);

	return slot && (take(s, slot->command) || take(s, slot->file));
}

static bool ask_login(struct search *s)
{
	const char *login = s->query->login;

	return login && *login && ask(s, CLASS_LOGIN, login, strlen(login));
}

static bool ask_client(struct search *s)
{
	const struct net_address *client = s->query->client;
	unsigned char key[CLIENT_KEY_LEN];

	if (!client || client->family == 0)
		return false;
	for (size_t i = 0; i < s->set->length_count; i++) {
		rule_client_key(client, s->set->lengths[i], key);
		if (ask(s, CLASS_CLIENT, key, sizeof(key)))
			return true;
	}
	return false;
}

static bool ask_address(struct search *s)
{
	const struct address *a = s->query->address;
	char key[ADDRESS_MAX + 1];
	size_t len = strlen(a->text);

	if (len == 0)
		return ask(s, CLASS_NULL, "", 0);
	if (s->set->table.count[CLASS_ADDRESS] == 0)
		return false;
	memcpy(key, a->text, len);
	str_lower_all(key, a->local_len);
	return ask(s, CLASS_ADDRESS, key, len);
}

/* The domain itself, then each domain above it, as domain_below has it. */
static bool ask_domain(struct search *s)
{
	const struct domain *d = &s->query->address->domain;
	const char *end = d->text + strlen(d->text), *dot;

	if (end == d->text)
		return false;
	if (ask(s, CLASS_DOMAIN, d->text, (size_t)(end - d->text)))
		return true;
	if (d->kind == DOMAIN_LITERAL || s->set->table.count[CLASS_SUBDOMAINS] == 0)
		return false;
	for (dot = strchr(d->text, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (ask(s, CLASS_SUBDOMAINS, dot + 1, (size_t)(end - dot - 1)))
			return true;
	}
	return false;
}

static bool ask_regexes(struct search *s)
{
	for (size_t i = 0; i < s->set->regex_count; i++) {
		uint32_t n = s->set->regexes[i];
		int rc;

		if (rule_expired(&s->set->rules[n], s->query->wall))
			continue;
		rc = pattern_match(s->set->rules[n].regex, s->query->address);
		if (rc < 0)
			atomic_fetch_add_explicit(&s->set->limit_errors, 1, memory_order_relaxed);
		if (rc == 1 && take(s, n))
			return true;
	}
	return false;
}

struct ruleset_hit ruleset_find(struct ruleset *set, const struct ruleset_query *query)
{
	struct search s = {.set = set, .query = query};

	if (set->count == 0 || ask_login(&s) || ask_client(&s) || !query->address)
		return s.hit;
	(void)(ask_address(&s) || ask_domain(&s) || ask_regexes(&s));
	return s.hit;
}
