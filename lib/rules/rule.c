/* SPDX-License-Identifier: ISC */
#include "rules/rule.h"

#include <errno.h>
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

/* Most texts of most rules are empty and share this. */
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

static int set_scrubbed(char **at, const char *text)
{
	char scrubbed[RULE_REASON_MAX + 1];

	if (strlen(text) > RULE_REASON_MAX)
		return ERR_LIMIT;
	return rule_own(at, str_scrub(scrubbed, sizeof(scrubbed), text));
}

int rule_set_note(struct rule *r, const char *reason, const char *author)
{
	int rc = set_scrubbed(&r->reason, reason ? reason : "");

	return rc != 0 ? rc : set_scrubbed(&r->author, author ? author : "");
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

/* Compiles again: the expression is in the subject, perhaps behind `login:`. */
static int copy_regex(const struct rule *r, struct rule *copy)
{
	struct pattern p = {0};

	if (!r->regex)
		return 0;
	if (pattern_parse(strchr(r->subject, '/'), &p, NULL) != 0)
		return -ENOMEM; /* nothing else: it was parsed before */
	return rule_own_regex(copy, &p);
}

int rule_ignore_login_case(struct rule *r)
{
	struct strbuf caseless = {0};
	struct pattern p = {0};
	int rc;

	if (r->kind != RULE_LOGIN)
		return 0;
	str_lower_all(r->key, strlen(r->key));
	if (!r->regex)
		return 0;
	strbuf_printf(&caseless, "%si", strchr(r->subject, '/'));
	rc = caseless.failed ? -ENOMEM : pattern_parse(caseless.text, &p, NULL);
	strbuf_release(&caseless);
	return rc == 0 ? rule_own_regex(r, &p) : -ENOMEM;
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
	int rc = rule_share_counter(&copy, r);

	copy.regex = NULL;
	for (size_t i = 0; i < COUNT_OF(to); i++)
		*to[i] = NULL;
	for (size_t i = 0; rc == 0 && i < COUNT_OF(to); i++)
		rc = rule_own(to[i], from[i]);
	if (rc == 0)
		rc = copy_regex(r, &copy);
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
