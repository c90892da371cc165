/* SPDX-License-Identifier: ISC */
#include "rules/rule.h"

#include "base/str.h"

/* The order in which a rule set asks. */
static const int ranks[] = {
    [PATTERN_ADDRESS] = 0,
    [PATTERN_NULL] = 0,
    [PATTERN_DOMAIN] = 1,
    [PATTERN_SUBDOMAINS] = 2,
    [PATTERN_WITHIN] = 2,
    [PATTERN_REGEX] = 3,
};

static struct address address_of(const struct rule *r)
{
	struct address a;

	address_split(r->key, &a);
	if (r->pattern_kind != PATTERN_ADDRESS && r->pattern_kind != PATTERN_NULL)
		domain_normal(r->key, strlen(r->key), &a.domain);
	return a;
}

/* Whether narrow, which is looked up first, is about some mail of wide. */
static bool pattern_overlaps(const struct rule *narrow, const struct rule *wide)
{
	const struct address a = address_of(narrow), b = address_of(wide);
	bool is_address =
	    narrow->pattern_kind == PATTERN_ADDRESS || narrow->pattern_kind == PATTERN_NULL;

	if (wide->regex)
		return is_address ? pattern_match(wide->regex, &a) == 1 : true;
	if (narrow->pattern_kind == PATTERN_NULL || wide->pattern_kind == PATTERN_NULL)
		return false;
	if (wide->pattern_kind == PATTERN_DOMAIN)
		return is_address && domain_equal(&a.domain, &b.domain);
	if (wide->pattern_kind == PATTERN_SUBDOMAINS)
		return domain_below(&a.domain, &b.domain);
	return false;
}

static bool login_overlaps(const struct rule *narrow, const struct rule *wide)
{
	const char *at = strrchr(narrow->key, '@');
	const struct pattern_subject login = pattern_subject_of_login(narrow->key);
	struct domain domain;

	if (narrow->pattern_kind != PATTERN_ADDRESS)
		return wide->regex != NULL;
	if (wide->regex)
		return pattern_match_subject(wide->regex, &login) == 1;
	if (wide->pattern_kind != PATTERN_DOMAIN || !at)
		return false;
	domain_normal(at + 1, strlen(at + 1), &domain);
	return strcmp(domain.text, wide->key) == 0;
}

/* The longer mask is looked up first. */
static bool network_outranks(const struct rule *passing, const struct rule *blocked)
{
	return passing->block.bits > blocked->block.bits &&
	       net_contains(&blocked->block, &passing->block.base);
}

bool rule_outranks(const struct rule *passing, const struct rule *blocked)
{
	if (passing->action != RULE_OK || passing->kind > blocked->kind)
		return false;
	if (passing->kind < blocked->kind)
		return true;
	if (passing->kind == RULE_CLIENT)
		return network_outranks(passing, blocked);
	if (ranks[passing->pattern_kind] > ranks[blocked->pattern_kind] ||
	    strcmp(passing->subject, blocked->subject) == 0)
		return false;
	return passing->kind == RULE_LOGIN ? login_overlaps(passing, blocked)
					   : pattern_overlaps(passing, blocked);
}
