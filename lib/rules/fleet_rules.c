/* SPDX-License-Identifier: ISC */
#include "rules/fleet_rules.h"

#include "base/clock.h"
#include "rules/stored.h"

#define LEFT_MAX (INT64_C(10) * 366 * 86400 * USEC_PER_SEC)

/* Returns whole seconds, rounded up, so that the last second counts in full. */
static int64_t expiry_of(const struct json *o, int64_t wall)
{
	int64_t left = json_int(o, "left_us", 0);

	if (left <= 0)
		return 0;
	return (wall + (left < LEFT_MAX ? left : LEFT_MAX) + USEC_PER_SEC - 1) / USEC_PER_SEC *
	       USEC_PER_SEC;
}

/* Agrees with rule_make: a quoted login is not an expression. */
static bool is_expression(const char *subject)
{
	return subject[str_starts(subject, RULE_LOGIN_PREFIX) ? strlen(RULE_LOGIN_PREFIX) : 0] ==
	       '/';
}

static int make(
    const struct json *o, const struct fleet_change *change, struct rule *ret, struct err *err)
{
	const char *subject = json_text(o, "subject"), *word = json_text(o, "action");
	enum rule_action action = RULE_OK;
	struct rule r = {0};

	if (!subject || (word && rule_action_of(word, &action) < 0))
		return err_set(err, ERR_SYNTAX, "a rule needs a subject and an action");
	/* If expressions are not allowed, they are not even compiled. */
	if (is_expression(subject) && !str_has_word(change->allow, "regex"))
		return err_set(err, ERR_REFUSED, "fleet_allow does not list 'regex'");
	int code = rule_make(subject, action, json_text(o, "text"), &r, err);
	code = code ?: rule_set_note(&r, json_text(o, "reason"), json_text(o, "set_by"), err);
	r.fleet = true;
	r.set_time = change->wall / USEC_PER_SEC * USEC_PER_SEC;
	r.expires = expiry_of(o, change->wall);
	if (code == 0)
		*ret = r;
	else
		rule_release(&r);
	return code;
}

/* Whether the rule was taken back or has expired. A rule without a member "left_us" never
 * expires. */
static bool is_over(const struct json *o)
{
	return !json_text(o, "action") || json_int(o, "left_us", 1) <= 0;
}

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t bytes_of(const struct rule *r)
{
	return length(r->subject) + length(r->text) + length(r->reason) + length(r->author);
}

static void note_refused(struct fleet_change *change, const char *subject, const char *why)
{
	if (change->refused++ == 0)
		err_set(&change->why, 0, "'%s': %s", subject ? subject : "", why);
}

static int take_one(
    struct rule_list *rules, struct fleet_change *change, const struct json *o, struct err *err)
{
	struct rule r = {0};
	struct err why = {{0}};
	int code = make(o, change, &r, &why);

	if (code == -ENOMEM)
		return err_set(err, code, "out of memory");
	if (code < 0) {
		note_refused(change, json_text(o, "subject"), why.text);
		return 0;
	}
	if (!change->replace)
		(void)stored_drop(rules, r.subject, 0, true);
	if (!is_over(o))
		code = rule_list_add(rules, &r);
	rule_release(&r);
	return code < 0 ? err_set(err, code, "out of memory") : 0;
}

/* Only the result is bounded, so that a change may replace what fills the room. The rules of the
 * change come last, and are left out first. */
static void keep_bounds(struct rule_list *rules, struct fleet_change *change)
{
	size_t kept = 0, bytes = 0;
	char why[64];

	for (size_t n = 0; n < rules->count; n++) {
		struct rule *r = &rules->list[n];
		const bool many = kept >= FLEET_RULES_MAX;

		if (!many && bytes + bytes_of(r) <= FLEET_RULES_BYTES) {
			bytes += bytes_of(r);
			rules->list[kept++] = *r;
			continue;
		}
		snprintf(why, sizeof(why),
		    many ? "more than %d rules" : "more than %d bytes of rules",
		    many ? FLEET_RULES_MAX : FLEET_RULES_BYTES);
		note_refused(change, r->subject, why);
		rule_release(r);
	}
	rules->count = kept;
}

int fleet_rules_change(struct rule_list *rules, struct fleet_change *change, struct err *err)
{
	int code = 0;

	if (!str_has_word(change->allow, "block"))
		return err_set(err, ERR_REFUSED,
		    "the fleet may set no rules here: fleet_allow does not list 'block'");
	if (!json_child(change->rules, "rules"))
		return err_set(err, ERR_SYNTAX, "there is no array \"rules\"");
	if (change->replace)
		rule_list_release(rules);
	for (size_t n = 0; code == 0 && n < json_count(change->rules, "rules"); n++)
		code = take_one(rules, change, json_at(change->rules, "rules", n), err);
	if (code == 0)
		keep_bounds(rules, change);
	return code;
}

static bool is_same(const struct rule *a, const struct rule *b)
{
	const int64_t apart =
	    a->expires > b->expires ? a->expires - b->expires : b->expires - a->expires;

	return a->action == b->action && (a->expires == 0) == (b->expires == 0) &&
	       apart <= 2 * USEC_PER_SEC && strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->status, b->status) == 0 && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->author, b->author) == 0;
}

bool fleet_rules_same(const struct rule_list *a, const struct rule_list *b)
{
	size_t n = 0;

	while (a->count == b->count && n < a->count && is_same(&a->list[n], &b->list[n]))
		n++;
	return a->count == b->count && n == a->count;
}

int fleet_rules_read(const char *directory, struct rule_list *ret, struct err *err)
{
	AUTO(stored_release) struct stored stored = {0};
	int code = stored_read(directory, FLEET_RULES_FILE, &stored, err);

	for (size_t n = 0; n < stored.rules.count; n++)
		stored.rules.list[n].fleet = true;
	if (code == 0) {
		*ret = stored.rules;
		stored.rules = (struct rule_list){0};
	}
	return code;
}

int fleet_rules_save(
    const char *directory, const struct rule_list *rules, int64_t wall, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	strbuf_puts(&text, "# Rules of the fleet. Its agent writes them; changes are lost.\n");
	stored_put(&text, rules, wall);
	return stored_replace(directory, FLEET_RULES_FILE, &text, true, err);
}
