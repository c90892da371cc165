/* SPDX-License-Identifier: ISC */
/*
 * The rule set's order again, by looking at every rule: ruleset_find must agree with it. Slow and
 * simple on purpose; shared by the unit test and the fuzz target.
 */
#ifndef PQPURGE_TESTS_NAIVE_H
#define PQPURGE_TESTS_NAIVE_H

#include "base/str.h"
#include "rules/ruleset.h"

struct naive_rank {
	unsigned step;     /* login 0, client 1, address 2, domain 3, above 4, expression 5 */
	unsigned distance; /* name, domain, expression; missing bits of a mask; labels between */
	bool of_file;
	size_t place; /* in the set */
};

static inline unsigned naive_labels(const char *text)
{
	unsigned dots = 0;

	for (; *text; text++)
		dots += *text == '.';
	return dots;
}

/* Whether a pattern rule matches, and how specifically. */
static inline bool naive_pattern(
    const struct rule *r, const struct address *a, struct naive_rank *rank)
{
	struct pattern p;
	bool hit;

	if (pattern_parse(r->subject, &p, NULL) != 0)
		abort();
	hit = pattern_match(&p, a) == 1;
	rank->step = p.kind == PATTERN_REGEX        ? 5
		     : p.kind == PATTERN_SUBDOMAINS ? 4
		     : p.kind == PATTERN_DOMAIN     ? 3
						    : 2;
	if (p.kind == PATTERN_SUBDOMAINS)
		rank->distance =
		    1000 - naive_labels(p.address.domain.text); /* more labels are nearer */
	pattern_release(&p);
	return hit;
}

/* Logins without case, the default. */
static inline bool naive_login(const struct rule *r, const char *login, struct naive_rank *rank)
{
	const char *at = strrchr(login, '@');
	const struct pattern_subject subject = {.text = login, .len = strlen(login), .domain = ""};
	struct domain domain;

	rank->distance = r->regex ? 2 : r->class == CLASS_LOGIN_DOMAIN;
	if (r->regex)
		return pattern_match_subject(r->regex, &subject) == 1;
	if (r->class != CLASS_LOGIN_DOMAIN)
		return str_equal_nocase(r->key, login);
	if (at)
		domain_normal(at + 1, strlen(at + 1), &domain);
	return at && strcmp(domain.text, r->key) == 0;
}

static inline bool naive_matches(
    const struct rule *r, const struct ruleset_query *q, struct naive_rank *rank)
{
	if (rule_expired(r, q->wall))
		return false;
	if (rule_kind(r) == RULE_LOGIN)
		return q->login && *q->login && naive_login(r, q->login, rank);
	if (rule_kind(r) == RULE_CLIENT) {
		rank->step = 1;
		rank->distance = 128 - r->block.bits;
		return q->client && net_contains(&r->block, q->client);
	}
	return q->address && naive_pattern(r, q->address, rank);
}

static inline bool naive_before(const struct naive_rank *a, const struct naive_rank *b)
{
	if (a->step != b->step)
		return a->step < b->step;
	if (a->distance != b->distance)
		return a->distance < b->distance;
	if (a->of_file != b->of_file)
		return b->of_file;
	return a->place < b->place;
}

/* Of rules with one key on one side only one counts. */
static inline bool naive_is_doublet(const struct ruleset *set, size_t n)
{
	const struct rule *r = ruleset_at(set, n);

	if (r->regex)
		return false;
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *other = ruleset_at(set, i);

		if (i == n || (other->line == 0) != (r->line == 0) ||
		    !rule_same_subject(other->subject, r->subject, false))
			continue;
		if (i < n)
			return true;
	}
	return false;
}

/* The best of the rules after `after`, or NULL. */
static inline const struct rule *naive_next(const struct ruleset *set,
    const struct ruleset_query *q, const struct naive_rank *after, struct naive_rank *ret)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);
		struct naive_rank rank = {.of_file = r->line != 0, .place = i};

		if (!naive_matches(r, q, &rank) || naive_is_doublet(set, i))
			continue;
		if (after && !naive_before(after, &rank))
			continue;
		if (!best || naive_before(&rank, ret)) {
			best = r;
			*ret = rank;
		}
	}
	return best;
}

static inline struct ruleset_hit naive_find(
    const struct ruleset *set, const struct ruleset_query *q)
{
	struct ruleset_hit hit = {0};
	struct naive_rank rank, last;
	const struct rule *r = naive_next(set, q, NULL, &rank);

	for (; r; r = naive_next(set, q, &last, &rank)) {
		if (r->action != RULE_WARN) {
			hit.rule = r;
			break;
		}
		if (!hit.warned)
			hit.warned = r;
		last = rank;
	}
	return hit;
}

#endif
