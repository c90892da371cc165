/* SPDX-License-Identifier: ISC */
/* Rules as JSON: the daemon's answer, the parts that a command accepts, requests. */
#include "tests/unit/rules/rule_words.h"

#include "base/clock.h"
#include "rules/rules_json.h"

static struct json *parse(const char *text)
{
	struct json *o = NULL;
	struct err err = {{0}};

	if (json_parse(text, strlen(text), &o, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	return o;
}

/* The object as the peer reads it. */
static struct json *sent(struct json *o)
{
	struct strbuf text = {0};
	struct json *back;

	assert_int_equal(json_write(&text, o), 0);
	assert_true(text.len <= 16 << 20);
	back = parse(text.text);
	strbuf_release(&text);
	return back;
}

static struct json *ask(struct ruleset *set, const char *question, int want)
{
	const struct rules_view view = {.set = set, .rules_file = "/etc/rules", .wall = NOW};
	struct json *q = parse(question), *reply = json_new();
	struct err err = {{0}};
	int code = rules_answer(&view, q, reply, NULL, &err);

	json_free(q);
	case_assert(question, code == want);
	case_assert(question, code == 0 || err.text[0]);
	return sent(reply);
}

static void test_list(void **state)
{
	static const char *const file[] = {"a.example REJECT 5.7.26 Go away", NULL},
				 *const command[] = {"!old.example OK", "/a b/ HOLD", NULL};
	struct ruleset *set = build(file, command);
	struct json *reply = ask(set, "{}", 0);
	struct rule r;

	(void)state;
	assert_int_equal(json_count(reply, "rules"), 2);
	assert_null(json_child(reply, "next"));
	assert_null(json_child(reply, "decides"));
	assert_int_equal(rule_of_json(json_at(reply, "rules", 0), &r, NULL), 0);
	assert_string_equal(r.subject, "/a b/");
	assert_null(r.regex);
	assert_int_equal(r.line, 0);
	rule_release(&r);
	assert_int_equal(rule_of_json(json_at(reply, "rules", 1), &r, NULL), 0);
	assert_string_equal(r.subject, "a.example");
	assert_string_equal(r.status, "5.7.26");
	assert_string_equal(r.text, "Go away");
	assert_int_equal(r.action, RULE_REJECT);
	assert_int_equal(r.line, 1);
	rule_release(&r);
	json_free(reply);
	ruleset_unref(set);
}

/* Each part of a long answer can be read as JSON, whatever the rules contain. */
static void test_parts(void **state)
{
	char text[RULE_TEXT_MAX + 1], reason[RULE_REASON_MAX + 1], subject[RULE_SUBJECT_MAX + 1];
	struct rule_list rules = {0};
	size_t from = 0, got = 0, parts = 0;
	struct ruleset *set;

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	memset(reason, '\\', sizeof(reason) - 1);
	text[sizeof(text) - 1] = reason[sizeof(reason) - 1] = '\0';
	for (unsigned i = 0; i < 2500; i++) {
		struct rule r;
		bool is_long = i < 1000;

		snprintf(subject, sizeof(subject), "/%u%0*d/", i, is_long ? 1000 : 1, 0);
		memset(subject + 5, '\xff', is_long ? 990 : 0);
		assert_int_equal(rule_make(subject, RULE_REJECT, is_long ? text : "", &r, NULL), 0);
		assert_int_equal(rule_set_note(&r, is_long ? reason : "", "root", NULL), 0);
		assert_int_equal(rule_list_add(&rules, &r), 0);
	}
	set = ruleset_new(NULL, &rules, false);
	do {
		char question[64];
		struct json *reply;

		snprintf(question, sizeof(question), "{\"from\":%zu}", from);
		reply = ask(set, question, 0);
		assert_true(json_count(reply, "rules") > 0);
		got += json_count(reply, "rules");
		from = (size_t)json_int(reply, "next", 0);
		json_free(reply);
		parts++;
	} while (from);
	assert_int_equal(got, 2500);
	assert_int_equal(parts, 3);
	struct json *reply = ask(set, "{\"from\":5000}", 0);
	assert_int_equal(json_count(reply, "rules"), 0);
	assert_null(json_child(reply, "next"));
	json_free(reply);
	ruleset_unref(set);
}

static void test_deciding(void **state)
{
	static const char *const file[] = {".example HOLD h", "client:192.0.2.0/24 WARN w",
	    "login:@b.example REJECT l", "<> DEFER n", NULL},
				 *const command[] = {NULL};
	static const struct {
		const char *question, *decides, *warned;
	} rows[] = {
	    {"{\"test\":\"u@a.example\"}", ".example", NULL},
	    {"{\"test\":\"u@a.test\"}", NULL, NULL},
	    {"{\"test\":\"u@a.example\",\"client\":\"192.0.2.1\"}", ".example",
		"client:192.0.2.0/24"},
	    {"{\"test\":\"u@a.test\",\"login\":\"j@b.example\"}", "login:@b.example", NULL},
	    {"{\"test\":\"\"}", "<>", NULL},
	};
	struct ruleset *set = build(file, command);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct json *reply = ask(set, rows[i].question, 0);
		const char *decides = json_text(json_child(reply, "decides"), "pattern");
		const char *warned = json_text(json_child(reply, "warned"), "pattern");

		case_assert_text(rows[i].question, decides ? decides : "-",
		    rows[i].decides ? rows[i].decides : "-");
		case_assert_text(
		    rows[i].question, warned ? warned : "-", rows[i].warned ? rows[i].warned : "-");
		case_assert(rows[i].question, !json_child(reply, "rules"));
		json_free(reply);
	}
	json_free(ask(set, "{\"test\":\"a@b\",\"client\":\"x\"}", ERR_SYNTAX));
	json_free(ask(set, "{\"from\":-1}", ERR_SYNTAX));
	ruleset_unref(set);
}

static void test_outranking(void **state)
{
	static const char *const file[] = {"a@bad.example OK", "b@bad.example OK",
	    "c@bad.example OK", "d@bad.example OK", "x@other.example OK", "client:192.0.2.1 OK",
	    NULL},
				 *const command[] = {"!e@bad.example OK", "login:Joe OK", NULL};
	struct ruleset *set = build(file, command);
	struct json *reply = ask(set, "{\"blocked\":[\"bad.example\",\"login:/joe/\"]}", 0);
	const struct json *first = json_at(reply, "outranking", 0);

	(void)state;
	assert_int_equal(json_count(reply, "outranking"), RULES_OUTRANKING_MAX);
	assert_int_equal(json_int(reply, "outranking_count", 0), 7);
	assert_string_equal(json_text(json_child(first, "passing"), "pattern"), "login:Joe");
	assert_string_equal(json_text(first, "blocked"), "bad.example");
	json_free(reply);
	json_free(ask(set, "{\"blocked\":[\"a..b\"]}", ERR_SYNTAX));
	json_free(ask(set, "{\"blocked\":[5]}", ERR_SYNTAX));
	reply = ask(set, "{\"blocked\":[]}", 0);
	assert_int_equal(json_int(reply, "outranking_count", -1), 0);
	json_free(reply);
	ruleset_unref(set);
}

/* Root takes over text and numbers, within their bounds. */
static void test_not_believed(void **state)
{
	static const char good[] = "{\"pattern\":\"/(/\",\"action\":\"OK\",\"origin\":\"command\"}";
	static const char *const bad[] = {
	    "{}",
	    "{\"pattern\":\"\",\"action\":\"OK\",\"origin\":\"command\"}",
	    "{\"pattern\":\"a\",\"action\":\"SHOOT\",\"origin\":\"command\"}",
	    "{\"pattern\":\"a\",\"origin\":\"command\"}",
	    "{\"pattern\":\"a\",\"action\":\"OK\"}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"file\"}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"line\":4}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"file\",\"line\":-4}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"file\",\"line\":4294967296}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"hits\":-1}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"expires\":-1}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"expires\":999999999999}",
	    "{\"pattern\":\"a\\u000ab\",\"action\":\"OK\",\"origin\":\"command\"}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"text\":\"\\u001b[2J\"}",
	    "{\"pattern\":\"a\",\"action\":\"OK\",\"origin\":\"command\",\"author\":\"\\u007f\"}",
	};
	static const char *const keys[] = {"pattern", "text", "reason", "author", "status"};
	static const size_t caps[] = {RULE_SUBJECT_MAX, RULE_TEXT_MAX, RULE_REASON_MAX,
	    RULE_REASON_MAX, RULE_STATUS_SIZE - 1};
	struct json *o = parse(good);
	struct rule r;

	(void)state;
	assert_int_equal(rule_of_json(o, &r, NULL), 0);
	assert_string_equal(r.subject, "/(/");
	assert_null(r.regex);
	rule_release(&r);
	json_free(o);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		o = parse(bad[i]);
		case_assert(bad[i], rule_of_json(o, &r, NULL) == ERR_SYNTAX);
		json_free(o);
	}
	for (size_t i = 0; i < 2 * COUNT_OF(keys); i++) {
		char text[RULE_SUBJECT_MAX + 2] = "", line[2 * sizeof(text)];
		size_t len = caps[i / 2] + i % 2;

		memset(text, 'a', len);
		snprintf(line, sizeof(line),
		    "{\"action\":\"OK\",\"origin\":\"command\",%s\"%s\":\"%s\"}",
		    i / 2 ? "\"pattern\":\"a\"," : "", keys[i / 2], text);
		o = parse(line);
		case_assert(keys[i / 2], rule_of_json(o, &r, NULL) == (i % 2 ? ERR_SYNTAX : 0));
		if (i % 2 == 0)
			rule_release(&r);
		json_free(o);
	}
}

static void test_request(void **state)
{
	struct json *o = json_new();
	struct rule r, back;

	(void)state;
	assert_int_equal(rule_parse("/a b/i REJECT 5.7.26 5.7.1 Go", &r, NULL), 0);
	assert_int_equal(rule_set_note(&r, "ticket 17", "root", NULL), 0);
	r.expires = 1764000000 * USEC_PER_SEC;
	rule_put_request(&r, o);
	o = sent(o);
	assert_int_equal(rule_of_request(o, &back, NULL), 0);
	assert_string_equal(back.subject, r.subject);
	assert_string_equal(back.status, "5.7.26");
	assert_string_equal(back.text, "5.7.1 Go");
	assert_string_equal(back.reason, "ticket 17");
	assert_string_equal(back.author, "root");
	assert_true(back.expires == r.expires && back.action == RULE_REJECT && back.regex);
	rule_release(&r);
	rule_release(&back);
	json_free(o);
}

static void test_bad_requests(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{\"pattern\":\"a.example\"}",
	    "{\"action\":\"OK\"}",
	    "{\"pattern\":7,\"action\":\"OK\"}",
	    "{\"pattern\":\"a..example\",\"action\":\"OK\"}",
	    "{\"pattern\":\"/(/\",\"action\":\"OK\"}",
	    "{\"pattern\":\"a.example\",\"action\":\"SHOOT\"}",
	    "{\"pattern\":\"a.example\",\"action\":\"OK\",\"text\":\"a\\nb\"}",
	    "{\"pattern\":\"a.example\",\"action\":\"OK\",\"expires\":-1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct json *o = parse(bad[i]);
		struct err err = {{0}};
		struct rule r;

		case_assert(bad[i], rule_of_request(o, &r, &err) == ERR_SYNTAX);
		case_assert(bad[i], err.text[0]);
		json_free(o);
	}
}

UNIT_MAIN(cmocka_unit_test(test_list), cmocka_unit_test(test_parts),
    cmocka_unit_test(test_deciding), cmocka_unit_test(test_outranking),
    cmocka_unit_test(test_not_believed), cmocka_unit_test(test_request),
    cmocka_unit_test(test_bad_requests))
