/* SPDX-License-Identifier: ISC */
/*
 * The rule set's order once more, by looking at every rule: what ruleset_find must agree with. Slow
 * and plain on purpose; shared by the unit test and the fuzz target.
 */
#ifndef PQPURGE_TESTS_NAIVE_H
#define PQPURGE_TESTS_NAIVE_H

#include "rules/ruleset.h"

struct naive_rank {
	unsigned step;     /* login 0, client 1, address 2, domain 3, above 4, expression 5 */
	unsigned distance; /* bits that a mask lacks; labels that lie between */
	bool of_file;
	int64_t set_time; /* between the command's */
	size_t place;     /* in the set; the last word, but for the command's doublets */
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
		    1000 - naive_labels(p.address.domain.text); /* nearer has more labels */
	pattern_release(&p);
	return hit;
}

static inline bool naive_matches(
    const struct rule *r, const struct ruleset_query *q, struct naive_rank *rank)
{
	if (rule_expired(r, q->wall))
		return false;
	if (r->kind == RULE_LOGIN)
		return q->login && *q->login && strcmp(r->subject + 6, q->login) == 0;
	if (r->kind == RULE_CLIENT) {
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
	if (a->set_time != b->set_time) /* expressions: the first; one key: the last */
		return (a->set_time < b->set_time) == (a->step == 5);
	return a->place < b->place;
}

/* One key and one side: all but one of the rules is as if it were not there. */
static inline bool naive_is_doublet(const struct ruleset *set, size_t n)
{
	const struct rule *r = ruleset_at(set, n);

	if (r->kind == RULE_PATTERN && r->pattern_kind == PATTERN_REGEX)
		return false;
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *other = ruleset_at(set, i);

		if (i == n || (other->line == 0) != (r->line == 0) ||
		    strcmp(other->subject, r->subject) != 0)
			continue;
		if (r->line != 0 ? i < n
				 : other->set_time > r->set_time ||
				       (other->set_time == r->set_time && i > n))
			return true;
	}
	return false;
}

/* The best rule of those that come behind after, or NULL. */
static inline const struct rule *naive_next(const struct ruleset *set,
    const struct ruleset_query *q, const struct naive_rank *after, struct naive_rank *ret)
{
	const struct rule *best = NULL;

	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);
		struct naive_rank rank = {
		    .of_file = r->line != 0, .set_time = r->set_time, .place = i};

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
			hit.index = rank.place;
			break;
		}
		if (!hit.warned) {
			hit.warned = r;
			hit.warned_index = rank.place;
		}
		last = rank;
	}
	return hit;
}

#endif
