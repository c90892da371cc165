/* SPDX-License-Identifier: ISC */
/* What is asked of the rule keeper: requests about rules, and the status. */
#include <errno.h>

#include "base/clock.h"
#include "milter/rulekeeper_private.h"
#include "rules/rules_json.h"

static void put_errors(const struct err *file, const struct err *stored, struct json *reply)
{
	if (file->text[0])
		json_put_text(reply, "rules_error", file->text);
	if (stored->text[0])
		json_put_text(reply, "rules_stored_error", stored->text);
}

/* Of the files as they are now: what was changed a moment ago is in force with the answer. */
static int answer_rules(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct rules_view view = {.rules_file = k->settings->rules_file,
	    .login_exact = k->settings->login_exact,
	    .wall = clock_wall()};

	rulekeeper_look(k, false);
	keeper_look(k, false);
	view.set = k->set;
	view.damaged = k->damaged;
	view.damage = strlist_of(&k->told);
	put_errors(&k->file_error, &k->stored_error, reply);
	return rules_answer(&view, request, reply, NULL, err);
}

/* Changes one rule and tells how that went. */
static int answer_change(
    struct rulekeeper *k, const char *subject, struct rule *r, struct json *reply, struct err *err)
{
	int there = keeper_change(k, subject, r, err);
	int saved;

	if (there < 0)
		return there;
	saved = keeper_save(k);
	json_put_bool(reply, "was_there", there == 1);
	json_put_bool(reply, "saved", saved == 0);
	if (saved != 0)
		json_put_text(reply, "why", k->stored_error.text);
	return 0;
}

static int answer_set(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	struct rule r;
	int code = rule_of_request(request, &r, err);

	if (code)
		return code;
	r.set_time = clock_wall() / USEC_PER_SEC * USEC_PER_SEC;
	code = answer_change(k, r.subject, &r, reply, err);
	rule_release(&r);
	return code;
}

/* The pattern is brought to its one spelling first. */
static int answer_unset(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	const char *pattern = json_text(request, "pattern");
	struct rule r;
	int code = rule_make(pattern ? pattern : "", RULE_OK, NULL, &r, err);

	if (code)
		return code;
	code = answer_change(k, r.subject, NULL, reply, err);
	rule_release(&r);
	return code;
}

int rulekeeper_answer(
    struct rulekeeper *k, const struct json *request, struct json *reply, struct err *err)
{
	static const struct {
		const char *word;
		int (*answer)(struct rulekeeper *k, const struct json *request, struct json *reply,
		    struct err *err);
	} table[] = {
	    {"rules", answer_rules}, {"rule-set", answer_set}, {"rule-unset", answer_unset}};
	const char *word = json_text(request, "do");
	size_t n = 0;
	int code;

	while (n < COUNT_OF(table) && !(word && strcmp(word, table[n].word) == 0))
		n++;
	if (n == COUNT_OF(table))
		return err_set(err, ERR_SYNTAX, "this is no request about rules");
	pthread_mutex_lock(&k->change);
	code = table[n].answer(k, request, reply, err);
	rulekeeper_end_change(k);
	return code;
}

/* It waits for no file: what changed last is told once the change is over. */
void rulekeeper_status(struct rulekeeper *k, struct json *reply)
{
	int64_t wall = clock_wall();
	size_t count = 0;

	pthread_mutex_lock(&k->swap);
	struct ruleset *set = ruleset_ref(k->set);
	struct keeper_trouble trouble = k->trouble;
	uint64_t limit_errors = k->limit_errors + ruleset_limit_errors(set);
	pthread_mutex_unlock(&k->swap);
	for (size_t i = 0; i < ruleset_count(set); i++)
		count += !rule_expired(ruleset_at(set, i), wall);
	ruleset_unref(set);
	json_put_int(reply, "rules", (int64_t)count);
	json_put_int(reply, "match_limit_errors", (int64_t)limit_errors);
	json_put_bool(reply, "rules_saved", !trouble.unsaved);
	json_put_int(reply, "rules_damaged", (int64_t)trouble.damaged);
	put_errors(&trouble.file, &trouble.stored, reply);
}
