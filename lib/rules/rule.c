/* SPDX-License-Identifier: ISC */
#include "rules/rule.h"

#include <stdatomic.h>

#include "base/str.h"

static const char *const words[] = {
    [RULE_OK] = "OK",
    [RULE_WARN] = "WARN",
    [RULE_HOLD] = "HOLD",
    [RULE_DEFER] = "DEFER",
    [RULE_DISCARD] = "DISCARD",
    [RULE_REJECT] = "REJECT",
};

const char *rule_action_word(enum rule_action action)
{
	return (size_t)action < COUNT_OF(words) ? words[action] : "?";
}

enum rule_origin rule_origin(const struct rule *r)
{
	return r->line ? RULE_OF_FILE : r->fleet ? RULE_OF_FLEET : RULE_OF_COMMAND;
}

const char *rule_origin_word(enum rule_origin origin)
{
	static const char *const origins[RULE_ORIGINS] = {"command", "fleet", "file"};

	return origins[origin];
}

int rule_action_of(const char *word, enum rule_action *ret)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_equal_nocase(word, words[i])) {
			*ret = (enum rule_action)i;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

/* Shared, because most texts of most rules are empty. */
static char nothing[] = "";

int rule_own(char **at, const char *text)
{
	char *copy = *text ? strdup(text) : nothing;

	if (!copy)
		return -ENOMEM;
	rule_disown(at);
	*at = copy;
	return 0;
}

void rule_disown(char **at)
{
	if (*at != nothing)
		free(*at);
	*at = NULL;
}

int rule_own_regex(struct rule *r, struct pattern *p)
{
	struct pattern *own = malloc(sizeof(*own));

	if (!own) {
		pattern_release(p);
		return -ENOMEM;
	}
	*own = *p;
	memset(p, 0, sizeof(*p));
	if (r->regex)
		pattern_release(r->regex);
	free(r->regex);
	r->regex = own;
	return 0;
}

static int set_scrubbed(char **at, const char *text, const char *what, struct err *err)
{
	char scrubbed[RULE_REASON_MAX + 1];

	if (text && strlen(text) > RULE_REASON_MAX)
		return err_set(err, ERR_LIMIT, "%s is longer than %d bytes", what, RULE_REASON_MAX);
	return rule_own(at, str_scrub(scrubbed, sizeof(scrubbed), text ? text : ""));
}

int rule_set_note(struct rule *r, const char *reason, const char *author, struct err *err)
{
	int rc = set_scrubbed(&r->reason, reason, "the reason", err);

	return rc ?: set_scrubbed(&r->author, author, "the author", err);
}

int rule_share_counter(struct rule *r, const struct rule *other)
{
	struct rule_counter *c = other ? other->counter : calloc(1, sizeof(*c));

	if (!c && !other)
		return -ENOMEM;
	if (c)
		atomic_fetch_add(&c->references, 1);
	r->counter = c;
	return 0;
}

static void let_go_of_counter(struct rule_counter *c)
{
	if (c && atomic_fetch_sub(&c->references, 1) == 1)
		free(c);
}

void rule_hit(const struct rule *r)
{
	atomic_fetch_add(&r->counter->hits, 1);
}

uint64_t rule_hits(const struct rule *r)
{
	return r->hits + (r->counter ? atomic_load(&r->counter->hits) : 0);
}

void rule_release(struct rule *r)
{
	let_go_of_counter(r->counter);
	if (r->regex)
		pattern_release(r->regex);
	free(r->regex);
	rule_disown(&r->subject);
	rule_disown(&r->key);
	rule_disown(&r->text);
	rule_disown(&r->reason);
	rule_disown(&r->author);
	memset(r, 0, sizeof(*r));
}

bool rule_expired(const struct rule *r, int64_t wall)
{
	return r->expires != 0 && wall >= r->expires;
}

int rule_ignore_login_case(struct rule *r)
{
	if (rule_kind(r) != RULE_LOGIN)
		return 0;
	str_lower_all(r->key, strlen(r->key));
	return r->regex ? pattern_ignore_case(r->regex) : 0;
}

bool rule_same_subject(const char *a, const char *b, bool login_exact)
{
	bool caseless = !login_exact && str_starts(a, RULE_LOGIN_PREFIX) &&
			!str_starts(a, RULE_LOGIN_PREFIX "/");

	return caseless ? str_equal_nocase(a, b) : strcmp(a, b) == 0;
}

int rule_copy(const struct rule *r, struct rule *ret)
{
	struct rule copy = *r;
	char **to[] = {&copy.subject, &copy.key, &copy.text, &copy.reason, &copy.author};
	char *const from[] = {r->subject, r->key, r->text, r->reason, r->author};
	struct pattern regex;
	int rc = rule_share_counter(&copy, r);

	copy.regex = NULL;
	for (size_t i = 0; i < COUNT_OF(to); i++)
		*to[i] = NULL;
	for (size_t i = 0; rc == 0 && i < COUNT_OF(to); i++)
		rc = rule_own(to[i], from[i]);
	if (rc == 0 && r->regex)
		rc = pattern_parse(r->regex->text, &regex, NULL) == 0
			 ? rule_own_regex(&copy, &regex)
			 : -ENOMEM;
	if (rc == 0)
		*ret = copy;
	else
		rule_release(&copy);
	return rc;
}

struct rule_reply rule_reply_of(const struct rule *r)
{
	static const struct rule_reply defaults[] = {
	    [RULE_DEFER] = {"451", "4.7.1", "Not accepted now by local policy, try again later"},
	    [RULE_REJECT] = {"550", "5.7.1", "Not accepted by local policy"},
	};
	struct rule_reply reply = {"", "", ""};

	if (r->action == RULE_DEFER || r->action == RULE_REJECT)
		reply = defaults[r->action];
	if (r->status[0])
		reply.status = r->status;
	if (r->text[0])
		reply.text = r->text;
	return reply;
}

/* Whether narrow, which is looked up first, matches some of wide's mail. */
static bool pattern_overlaps(const struct rule *narrow, const struct rule *wide)
{
	const struct pattern_subject mail = pattern_subject_of(narrow->key);
	bool is_address = narrow->class == CLASS_ADDRESS || narrow->class == CLASS_NULL;

	if (wide->regex)
		return !is_address || pattern_match_subject(wide->regex, &mail) == 1;
	if (narrow->class == CLASS_NULL)
		return false;
	if (wide->class == CLASS_DOMAIN)
		return is_address && strcmp(mail.domain, wide->key) == 0;
	return wide->class == CLASS_SUBDOMAINS &&
	       domain_ends_with(is_address ? mail.domain : narrow->key, wide->key);
}

static bool login_overlaps(const struct rule *narrow, const struct rule *wide)
{
	const char *at = strrchr(narrow->key, '@');
	const struct pattern_subject login = pattern_subject_of_login(narrow->key);
	struct domain domain;

	if (narrow->class != CLASS_LOGIN)
		return wide->regex != NULL;
	if (wide->regex)
		return pattern_match_subject(wide->regex, &login) == 1;
	if (wide->class != CLASS_LOGIN_DOMAIN || !at)
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
	if (passing->action != RULE_OK || passing->class > blocked->class)
		return false;
	if (rule_kind(passing) != rule_kind(blocked))
		return true;
	if (passing->class == CLASS_CLIENT)
		return network_outranks(passing, blocked);
	if (strcmp(passing->subject, blocked->subject) == 0)
		return false;
	return rule_kind(passing) == RULE_LOGIN ? login_overlaps(passing, blocked)
						: pattern_overlaps(passing, blocked);
}
