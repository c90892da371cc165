/* SPDX-License-Identifier: ISC */
#include "rules/rules_json.h"

#include "base/clock.h"

#define SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

static void put_notes(const struct rule *r, struct json *o)
{
	if (r->expires)
		json_put_int(o, "expires", r->expires / USEC_PER_SEC);
	json_put_words(o, "author", r->author);
	json_put_words(o, "reason", r->reason);
}

struct json *rule_json(const struct rule *r, const char *rules_file)
{
	struct json *o = json_new();

	json_put_text(o, "pattern", r->subject);
	json_put_text(o, "action", rule_action_word(r->action));
	json_put_words(o, "text", r->text);
	json_put_words(o, "status", r->status);
	json_put_text(o, "origin", rule_origin_word(rule_origin(r)));
	if (r->line) {
		json_put_text(o, "file", rules_file);
		json_put_int(o, "line", r->line);
	}
	json_put_int(o, "hits", (int64_t)rule_hits(r));
	if (!r->line) {
		json_put_int(o, "set_time", r->set_time / USEC_PER_SEC);
		put_notes(r, o);
	}
	return o;
}

void rule_put_request(const struct rule *r, struct json *request)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	strbuf_printf(&text, "%s%s%s", r->status, *r->status && *r->text ? " " : "", r->text);
	json_put_text(request, "pattern", r->subject);
	json_put_text(request, "action", rule_action_word(r->action));
	json_put_text(request, "text", strbuf_text(&text));
	put_notes(r, request);
}

/* Returns the place of the first rule after the page, or 0 at the end. */
static size_t put_rules(const struct rules_view *v, size_t from, struct json *reply)
{
	struct json *list = json_new_array();
	size_t next = 0, count = 0;

	for (size_t i = from; i < ruleset_count(v->set) && !next; i++) {
		const struct rule *r = ruleset_at(v->set, i);

		if (rule_expired(r, v->wall))
			continue;
		if (count++ < RULES_PAGE)
			json_append(list, rule_json(r, v->rules_file));
		else
			next = i;
	}
	if (next)
		json_put_int(reply, "next", (int64_t)next);
	json_put(reply, "rules", list);
	return next;
}

static int put_deciding(
    const struct rules_view *v, const struct json *question, struct json *reply, struct err *err)
{
	const char *client = json_text(question, "client");
	struct net_address net = {0};
	struct address address;
	struct ruleset_query query = {
	    .login = json_text(question, "login"), .address = &address, .wall = v->wall};

	if (client && net_parse(client, &net) != 0)
		return err_set(err, ERR_SYNTAX, "'%s' is not the address of a client", client);
	if (client)
		query.client = &net;
	address_split(json_text(question, "test"), &address);
	struct ruleset_hit hit = ruleset_find(v->set, &query);
	if (hit.rule)
		json_put(reply, "decides", rule_json(hit.rule, v->rules_file));
	if (hit.warned)
		json_put(reply, "warned", rule_json(hit.warned, v->rules_file));
	return 0;
}

/* Counts them all; lists only the first few. */
static size_t put_outranking(
    const struct rules_view *v, const struct rule *blocked, size_t count, struct json *list)
{
	for (size_t i = 0; i < ruleset_count(v->set); i++) {
		const struct rule *r = ruleset_at(v->set, i);
		struct json *o;

		if (rule_expired(r, v->wall) || !rule_outranks(r, blocked) ||
		    count++ >= RULES_OUTRANKING_MAX)
			continue;
		o = json_new();
		json_put(o, "passing", rule_json(r, v->rules_file));
		json_put_text(o, "blocked", blocked->subject);
		json_append(list, o);
	}
	return count;
}

static int put_all_outranking(
    const struct rules_view *v, const struct json *question, struct json *reply, struct err *err)
{
	struct json *list = json_new_array();
	size_t blocked = json_count(question, "blocked"), count = 0;
	int rc = blocked <= RULES_BLOCKED_MAX ? 0 : err_set(err, ERR_LIMIT, "too many patterns");

	for (size_t i = 0; rc == 0 && i < blocked; i++) {
		const char *subject = json_text(json_at(question, "blocked", i), NULL);
		AUTO(rule_release) struct rule r = {0};

		rc = rule_make(subject ? subject : "", RULE_REJECT, NULL, &r, err);
		if (rc == 0 && !v->login_exact)
			rc = rule_ignore_login_case(&r);
		if (rc == 0)
			count = put_outranking(v, &r, count, list);
	}
	json_put(reply, "outranking", list);
	json_put_int(reply, "outranking_count", (int64_t)count);
	return rc;
}

int rules_answer(const struct rules_view *view, const struct json *question, struct json *reply,
    size_t *ret_next, struct err *err)
{
	int64_t from = json_int(question, "from", 0);
	bool test = json_text(question, "test"), blocked = json_child(question, "blocked");
	struct strlist damage = {0};
	size_t next = 0;
	int rc = 0;

	if (view->stored)
		damage = strlist_of(&view->stored->told);
	if (from < 0)
		return err_set(err, ERR_SYNTAX, "'from' is not a place in the list");
	json_put_int(reply, "rules_damaged", view->stored ? (int64_t)view->stored->damaged : 0);
	if (damage.count)
		json_put_list(reply, "damage", &damage);
	if (test)
		rc = put_deciding(view, question, reply, err);
	if (rc == 0 && blocked)
		rc = put_all_outranking(view, question, reply, err);
	if (!test && !blocked)
		next = put_rules(view, (size_t)from, reply);
	if (ret_next)
		*ret_next = next;
	return rc;
}

/* An expression may contain bytes above ASCII. */
static int take_text(const struct json *o, const char *key, size_t max, char **ret, struct err *err)
{
	const char *text = json_text(o, key);

	if (!text)
		text = "";
	if (strlen(text) > max)
		return err_set(err, ERR_SYNTAX, "'%s' of a rule is too long", key);
	if (str_has_control(text))
		return err_set(err, ERR_SYNTAX, "'%s' of a rule holds control characters", key);
	return rule_own(ret, text);
}

static int take_seconds(const struct json *o, const char *key, int64_t *ret, struct err *err)
{
	int64_t seconds = json_int(o, key, 0);

	if (seconds < 0 || seconds > SECONDS_MAX)
		return err_set(err, ERR_SYNTAX, "'%s' of a rule is not a time", key);
	*ret = seconds * USEC_PER_SEC;
	return 0;
}

static int take_numbers(const struct json *o, struct rule *r, struct err *err)
{
	const char *origin = json_text(o, "origin"), *action = json_text(o, "action");
	int64_t hits = json_int(o, "hits", 0), line = json_int(o, "line", 0);
	int rc = take_seconds(o, "set_time", &r->set_time, err);

	rc = rc ?: take_seconds(o, "expires", &r->expires, err);
	if (rc != 0)
		return rc;
	if (!action || rule_action_of(action, &r->action) != 0 || hits < 0 || line < 0 ||
	    line > UINT32_MAX || !origin || (strcmp(origin, "file") == 0) != (line > 0))
		return err_set(err, ERR_SYNTAX, "a rule is invalid");
	r->hits = (uint64_t)hits;
	r->line = (unsigned)line;
	r->fleet = strcmp(origin, "fleet") == 0;
	return 0;
}

int rule_of_json(const struct json *o, struct rule *ret, struct err *err)
{
	struct rule r = {0};
	char *status = NULL;
	const struct {
		const char *key;
		size_t max;
		char **into;
	} texts[] = {
	    {"pattern", RULE_SUBJECT_MAX, &r.subject},
	    {"text", RULE_TEXT_MAX, &r.text},
	    {"reason", RULE_REASON_MAX, &r.reason},
	    {"author", RULE_REASON_MAX, &r.author},
	    {"status", RULE_STATUS_SIZE - 1, &status},
	};
	int rc = rule_own(&r.key, "");

	for (size_t i = 0; rc == 0 && i < COUNT_OF(texts); i++)
		rc = take_text(o, texts[i].key, texts[i].max, texts[i].into, err);
	rc = rc ?: take_numbers(o, &r, err);
	if (rc == 0 && !*r.subject)
		rc = err_set(err, ERR_SYNTAX, "a rule without a pattern");
	if (rc == 0) {
		snprintf(r.status, sizeof(r.status), "%s", status);
		*ret = r;
	} else {
		rule_release(&r);
	}
	rule_disown(&status);
	return rc;
}

int rule_of_request(const struct json *request, struct rule *ret, struct err *err)
{
	const char *pattern = json_text(request, "pattern"), *word = json_text(request, "action");
	enum rule_action action;
	struct rule r = {0};

	if (!pattern || !word || rule_action_of(word, &action) != 0)
		return err_set(err, ERR_SYNTAX, "a rule needs 'pattern' and 'action'");
	int rc = rule_make(pattern, action, json_text(request, "text"), &r, err);
	rc = rc ?: take_seconds(request, "expires", &r.expires, err);
	rc = rc
		 ?: rule_set_note(
			&r, json_text(request, "reason"), json_text(request, "author"), err);
	if (rc == 0)
		*ret = r;
	else
		rule_release(&r);
	return rc;
}
