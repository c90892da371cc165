/* SPDX-License-Identifier: ISC */
/* Searches in the order that ruleset.h describes. */
#include "base/str.h"
#include "rules/ruleset_private.h"

struct search {
	struct ruleset *set;
	const struct ruleset_query *query;
	struct ruleset_hit hit;
};

/* Whether rule n of a layer ends the search. */
static bool take(struct search *s, size_t layer, uint32_t n)
{
	const struct rule *r = &s->set->layers[layer]->rules.list[n];

	if (rule_expired(r, s->query->wall))
		return false;
	if (r->action != RULE_WARN) {
		s->hit.rule = r;
		return true;
	}
	if (!s->hit.warned)
		s->hit.warned = r;
	return false;
}

static bool has_class(const struct search *s, enum rule_class class)
{
	struct rule_layer *const *layers = s->set->layers;

	for (size_t l = 0; l < RULE_ORIGINS; l++)
		if (layers[l]->table.count[class])
			return true;
	return false;
}

static bool ask(struct search *s, enum rule_class class, const void *key, size_t len)
{
	const struct span span = {key, len};

	if (!has_class(s, class))
		return false;
	uint64_t hash = rule_table_hash(class, span);
	for (size_t i = 0; i < RULE_ORIGINS; i++) {
		uint32_t n = rule_table_find(&s->set->layers[i]->table, class, span, hash);

		if (n != RULE_NONE && take(s, i, n))
			return true;
	}
	return false;
}

static bool ask_client(struct search *s)
{
	const struct net_address *client = s->query->client;
	unsigned char key[CLIENT_KEY_LEN];

	if (!client || client->family == 0)
		return false;
	for (size_t i = 0; i < s->set->mask_count; i++) {
		rule_client_key(client, s->set->masks[i], key);
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
	if (!has_class(s, CLASS_ADDRESS))
		return false;
	memcpy(key, a->text, len);
	str_lower_all(key, a->local_len);
	return ask(s, CLASS_ADDRESS, key, len);
}

/* Looks for the domain, then for each domain above it, as domain_below does. */
static bool ask_domain(struct search *s)
{
	const struct domain *d = &s->query->address->domain;
	const char *end = d->text + strlen(d->text), *dot;

	if (end == d->text)
		return false;
	if (ask(s, CLASS_DOMAIN, d->text, (size_t)(end - d->text)))
		return true;
	if (d->kind == DOMAIN_LITERAL || !has_class(s, CLASS_SUBDOMAINS))
		return false;
	for (dot = strchr(d->text, '.'); dot; dot = strchr(dot + 1, '.'))
		if (ask(s, CLASS_SUBDOMAINS, dot + 1, (size_t)(end - dot - 1)))
			return true;
	return false;
}

static bool ask_layer(
    struct search *s, size_t layer, bool logins, const struct pattern_subject *subject)
{
	const struct rule_layer *l = s->set->layers[layer];

	for (size_t i = 0; i < l->regex_count; i++) {
		const struct rule *r = &l->rules.list[l->regexes[i]];
		int rc;

		if ((rule_kind(r) == RULE_LOGIN) != logins || rule_expired(r, s->query->wall))
			continue;
		rc = pattern_match_subject(r->regex, subject);
		if (rc < 0)
			atomic_fetch_add(&r->counter->limit_errors, 1);
		if (rc == 1 && take(s, layer, l->regexes[i]))
			return true;
	}
	return false;
}

static bool ask_layers(struct search *s, bool logins, const struct pattern_subject *subject)
{
	for (size_t l = 0; l < RULE_ORIGINS; l++)
		if (ask_layer(s, l, logins, subject))
			return true;
	return false;
}

static bool ask_regexes(struct search *s)
{
	struct pattern_subject subject = pattern_subject_of(s->query->address->text);

	return !s->query->plain && ask_layers(s, false, &subject);
}

/* A login longer than any name can match only by its domain or by expressions. */
static bool ask_login_name(struct search *s, size_t len)
{
	char key[RULE_LOGIN_MAX];

	if (len > sizeof(key) || !has_class(s, CLASS_LOGIN))
		return false;
	memcpy(key, s->query->login, len);
	if (!s->set->layers[RULE_OF_COMMAND]->login_exact)
		str_lower_all(key, len);
	return ask(s, CLASS_LOGIN, key, len);
}

static bool ask_login_domain(struct search *s)
{
	const char *at = strrchr(s->query->login, '@');
	struct domain domain;

	if (!at || !has_class(s, CLASS_LOGIN_DOMAIN))
		return false;
	domain_normal(at + 1, strlen(at + 1), &domain);
	return ask(s, CLASS_LOGIN_DOMAIN, domain.text, strlen(domain.text));
}

static bool ask_login(struct search *s)
{
	const char *login = s->query->login;

	if (!login || !*login)
		return false;
	struct pattern_subject subject = pattern_subject_of_login(login);
	return ask_login_name(s, subject.len) || ask_login_domain(s) ||
	       ask_layers(s, true, &subject);
}

struct ruleset_hit ruleset_find(struct ruleset *set, const struct ruleset_query *query)
{
	struct search s = {.set = set, .query = query};

	if (ruleset_count(set) == 0 || ask_login(&s) || ask_client(&s) || !query->address)
		return s.hit;
	(void)(ask_address(&s) || ask_domain(&s) || ask_regexes(&s));
	return s.hit;
}
