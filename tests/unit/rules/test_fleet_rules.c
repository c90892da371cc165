/* SPDX-License-Identifier: ISC */
/* Rules of origin fleet: changes, rules left out, the file, and their place in the search. */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "rules/fleet_rules.h"
#include "rules/ruleset.h"

#define NOW (INT64_C(1790000000) * USEC_PER_SEC)

static int change(struct rule_list *rules, const char *text, bool replace, const char *allow,
    struct fleet_change *ret)
{
	struct json *body = NULL;
	int code;

	assert_int_equal(json_parse(text, strlen(text), &body, NULL), 0);
	*ret =
	    (struct fleet_change){.rules = body, .replace = replace, .allow = allow, .wall = NOW};
	code = fleet_rules_change(rules, ret, NULL);
	json_free(body);
	return code;
}

#define ALLOW "purge, block"

static void test_change(void **state)
{
	struct rule_list rules = {0};
	struct fleet_change c;

	(void)state;
	assert_int_equal(change(&rules,
			     "{\"rules\":[{\"subject\":\"Example.com\",\"action\":\"REJECT\","
			     "\"text\":\"5.7.1 no\","
			     "\"reason\":\"r\",\"set_by\":\"anna\",\"left_us\":1500000},"
			     "{\"subject\":\"login:joe\",\"action\":\"HOLD\"}]}",
			     true, ALLOW, &c),
	    0);
	assert_int_equal(rules.count, 2);
	assert_string_equal(rules.list[0].subject, "example.com");
	assert_true(rules.list[0].fleet && rules.list[0].expires == NOW + 2 * USEC_PER_SEC);
	assert_string_equal(rules.list[0].author, "anna");
	assert_true(rules.list[1].expires == 0);
	/* Differences: one taken back, one expired, one new. */
	assert_int_equal(change(&rules,
			     "{\"rules\":[{\"subject\":\"example.com\",\"action\":null},"
			     "{\"subject\":\"login:joe\",\"action\":\"HOLD\",\"left_us\":-5},"
			     "{\"subject\":\".x.test\",\"action\":\"DEFER\"}]}",
			     false, ALLOW, &c),
	    0);
	assert_int_equal(rules.count, 1);
	assert_string_equal(rules.list[0].subject, ".x.test");
	/* A complete set: the others go. */
	assert_int_equal(change(&rules, "{\"rules\":[]}", true, ALLOW, &c), 0);
	assert_int_equal(rules.count, 0);
	rule_list_release(&rules);
}

/* Two spellings of a login are two rules in the database: taking back one leaves the other. */
static void test_spellings(void **state)
{
	struct rule_list rules = {0};
	struct fleet_change c;

	(void)state;
	assert_int_equal(change(&rules,
			     "{\"rules\":[{\"subject\":\"login:joe\",\"action\":\"HOLD\"},"
			     "{\"subject\":\"login:Joe\",\"action\":\"HOLD\"}]}",
			     false, ALLOW, &c),
	    0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(
	    change(&rules, "{\"rules\":[{\"subject\":\"login:joe\"}]}", false, ALLOW, &c), 0);
	assert_int_equal(rules.count, 1);
	assert_string_equal(rules.list[0].subject, "login:Joe");
	rule_list_release(&rules);
}

static void test_same(void **state)
{
#define RULE(subject, left)                                                                        \
	"{\"rules\":[{\"subject\":\"" subject "\",\"action\":\"HOLD\"" left "}]}"
	static const struct {
		const char *name, *other;
		bool same;
	} cases[] = {
	    {"the same", RULE("a.test", ",\"left_us\":60000000"), true},
	    {"a second later", RULE("a.test", ",\"left_us\":59000000"), true},
	    {"another end", RULE("a.test", ",\"left_us\":90000000"), false},
	    {"no end", RULE("a.test", ""), false},
	    {"another subject", RULE("b.test", ",\"left_us\":60000000"), false},
	    {"another text", RULE("a.test", ",\"left_us\":60000000,\"text\":\"x\""), false},
	    {"another reason", RULE("a.test", ",\"left_us\":60000000,\"reason\":\"x\""), false},
	    {"none", "{\"rules\":[]}", false},
	};
	struct rule_list rules = {0};
	struct fleet_change c;

	(void)state;
	assert_int_equal(change(&rules, cases[0].other, true, ALLOW, &c), 0);
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct rule_list other = {0};

		assert_int_equal(change(&other, cases[n].other, true, ALLOW, &c), 0);
		case_assert(cases[n].name, fleet_rules_same(&rules, &other) == cases[n].same);
		rule_list_release(&other);
	}
	rule_list_release(&rules);
}

static void test_left_out(void **state)
{
	struct rule_list rules = {0};
	struct fleet_change c;

	(void)state;
	assert_int_equal(change(&rules,
			     "{\"rules\":[{\"subject\":\"/x/\",\"action\":\"REJECT\"},"
			     "{\"subject\":\"a b\",\"action\":\"REJECT\"},{\"action\":\"REJECT\"},"
			     "{\"subject\":\"y.test\",\"action\":\"EXPLODE\"},"
			     "{\"subject\":\"z.test\",\"action\":\"REJECT\"}]}",
			     true, ALLOW, &c),
	    0);
	assert_int_equal(c.refused, 4);
	assert_non_null(strstr(c.why.text, "regex"));
	assert_int_equal(rules.count, 1);
	assert_int_equal(change(&rules, "{\"rules\":[{\"subject\":\"/x/\",\"action\":\"REJECT\"}]}",
			     false, "block regex", &c),
	    0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(change(&rules, "{\"rules\":[]}", true, "purge blocks", &c), ERR_REFUSED);
	assert_int_equal(rules.count, 2);
	assert_int_equal(change(&rules, "{}", true, ALLOW, &c), ERR_SYNTAX);
	rule_list_release(&rules);
}

/* Rules may be long as well as many. */
static void test_bytes(void **state)
{
	struct rule_list rules = {0};
	struct fleet_change c;
	struct strbuf text = {0};
	char reason[401];

	(void)state;
	memset(reason, 'r', sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	strbuf_puts(&text, "{\"rules\":[");
	for (int n = 0; n < FLEET_RULES_MAX; n++)
		strbuf_printf(&text,
		    "%s{\"subject\":\"n%d.test\",\"action\":\"HOLD\",\"text\":\"%s\",\"reason\":\"%"
		    "s\"}",
		    n ? "," : "", n, reason, reason);
	strbuf_puts(&text, "]}");
	assert_int_equal(change(&rules, strbuf_text(&text), true, ALLOW, &c), 0);
	assert_true(rules.count > 4000 && rules.count < 6000);
	assert_int_equal(rules.count + c.refused, FLEET_RULES_MAX);
	assert_non_null(strstr(c.why.text, "bytes of rules"));
	/* No more come by a difference, but one may go. */
	assert_int_equal(change(&rules, "{\"rules\":[{\"subject\":\"n1.test\",\"action\":null}]}",
			     false, ALLOW, &c),
	    0);
	assert_int_equal(c.refused, 0);
	rule_list_release(&rules);
	strbuf_release(&text);
}

/* Puts rules n0.test to nCOUNT-1.test, each with a text and a reason of len bytes. */
static void put_rules(
    struct strbuf *out, int count, const char *action, size_t len, const char *more)
{
	static const char filler[401] = {[0 ... 399] = 'r'};

	strbuf_clear(out);
	strbuf_puts(out, "{\"rules\":[");
	for (int n = 0; n < count; n++)
		strbuf_printf(out,
		    "%s{\"subject\":\"n%d.test\",\"action\":\"%s\",\"text\":\"%.*s\","
		    "\"reason\":\"%.*s\"}",
		    n ? "," : "", n, action, (int)len, filler, (int)len, filler);
	strbuf_printf(out, "%s]}", more);
}

static const struct rule *find(const struct rule_list *rules, const char *subject)
{
	for (size_t n = 0; n < rules->count; n++)
		if (strcmp(rules->list[n].subject, subject) == 0)
			return &rules->list[n];
	return NULL;
}

/* What a change replaces or takes back makes room in that change, wherever it stands there. */
static void test_bounds_of_result(void **state)
{
	static const struct {
		const char *name;
		size_t len; /* of text and reason */
		int count, changed;
		const char *more;
		unsigned refused;
		size_t want;
	} cases[] = {
	    {"rewritten bytes", 400, 4000, 2500, "", 0, 4000},
	    {"rewritten count", 1, FLEET_RULES_MAX, 5, "", 0, FLEET_RULES_MAX},
	    {"one more", 1, FLEET_RULES_MAX, 1, ",{\"subject\":\"more.test\",\"action\":\"HOLD\"}",
		1, FLEET_RULES_MAX},
	    {"one more for one less", 1, FLEET_RULES_MAX, 1,
		",{\"subject\":\"more.test\",\"action\":\"HOLD\"},{\"subject\":\"n9.test\"}", 0,
		FLEET_RULES_MAX},
	    {"the same twice", 1, FLEET_RULES_MAX, 1,
		",{\"subject\":\"n0.test\",\"action\":\"OK\"}", 0, FLEET_RULES_MAX},
	    {"all rewritten, one taken back", 400, 5000, 5000, ",{\"subject\":\"n1.test\"}", 0,
		4999},
	};
	struct strbuf text = {0};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct rule_list rules = {0};
		struct fleet_change c;

		put_rules(&text, cases[n].count, "REJECT", cases[n].len, "");
		assert_int_equal(change(&rules, strbuf_text(&text), true, ALLOW, &c), 0);
		case_assert(cases[n].name, c.refused == 0);
		put_rules(&text, cases[n].changed, "OK", cases[n].len, cases[n].more);
		assert_int_equal(change(&rules, strbuf_text(&text), false, ALLOW, &c), 0);
		if (c.refused != cases[n].refused || rules.count != cases[n].want)
			case_fail(cases[n].name, "%zu refused (%s), %zu rules", c.refused,
			    c.why.text, rules.count);
		case_assert(cases[n].name, find(&rules, "n0.test")->action == RULE_OK);
		rule_list_release(&rules);
	}
	strbuf_release(&text);
}

/* An expression that the fleet may not set is not even compiled: the error says no more. */
static void test_expressions(void **state)
{
	static const char *const subjects[] = {"/(/", "/x/i", "login:/(/", "login:/x/"};
	struct rule_list rules = {0};
	struct fleet_change c;

	(void)state;
	for (size_t n = 0; n < COUNT_OF(subjects); n++) {
		char text[128];

		snprintf(text, sizeof(text),
		    "{\"rules\":[{\"subject\":\"%s\",\"action\":\"REJECT\"}]}", subjects[n]);
		assert_int_equal(change(&rules, text, false, ALLOW, &c), 0);
		case_assert(subjects[n], c.refused == 1 && strstr(c.why.text, "'regex'"));
	}
	assert_int_equal(
	    change(&rules, "{\"rules\":[{\"subject\":\"login:\\\"/x/\\\"\",\"action\":\"HOLD\"}]}",
		false, ALLOW, &c),
	    0);
	assert_int_equal(rules.count, 1);
	rule_list_release(&rules);
}

static void test_file(void **state)
{
	char directory[] = "/tmp/pqpurge-fleet.XXXXXX", path[64];
	struct rule_list rules = {0}, again = {0};
	struct fleet_change c;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(fleet_rules_read(directory, &again, NULL), 0);
	assert_int_equal(again.count, 0);
	assert_int_equal(
	    change(&rules,
		"{\"rules\":[{\"subject\":\"a.test\",\"action\":\"REJECT\",\"left_us\":1},"
		"{\"subject\":\"b.test\",\"action\":\"HOLD\",\"reason\":\"x ; y\"}]}",
		true, ALLOW, &c),
	    0);
	assert_int_equal(fleet_rules_save(directory, &rules, NOW, NULL), 0);
	assert_int_equal(fleet_rules_read(directory, &again, NULL), 0);
	assert_int_equal(again.count, 2);
	assert_true(again.list[1].fleet);
	assert_string_equal(again.list[1].reason, "x ; y");
	rule_list_release(&again);
	/* An expired rule is not written. */
	assert_int_equal(fleet_rules_save(directory, &rules, NOW + 60 * USEC_PER_SEC, NULL), 0);
	assert_int_equal(fleet_rules_read(directory, &again, NULL), 0);
	assert_int_equal(again.count, 1);
	rule_list_release(&again);
	rule_list_release(&rules);
	snprintf(path, sizeof(path), "%s/" FLEET_RULES_FILE, directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void add(struct rule_list *rules, const char *subject, enum rule_action action, int line)
{
	struct rule r;

	assert_int_equal(rule_make(subject, action, NULL, &r, NULL), 0);
	r.line = (unsigned)line;
	assert_int_equal(rule_list_add(rules, &r), 0);
}

static enum rule_action decide(struct ruleset *set, const char *sender, int64_t wall)
{
	struct address address;
	const struct ruleset_query query = {.address = &address, .wall = wall};
	struct ruleset_hit hit;

	address_split(sender, &address);
	hit = ruleset_find(set, &query);
	return hit.rule ? hit.rule->action : RULE_OK;
}

/* The command's rule outranks the fleet's, which outranks the file's. An expired one hides
 * nothing. */
static void test_rank(void **state)
{
	struct rule_list file = {0}, fleet = {0}, command = {0};
	struct fleet_change c;
	struct ruleset *set, *next;

	(void)state;
	add(&file, "example.com", RULE_DEFER, 1);
	assert_int_equal(change(&fleet,
			     "{\"rules\":[{\"subject\":\"example.com\",\"action\":\"REJECT\","
			     "\"left_us\":1000000}]}",
			     true, ALLOW, &c),
	    0);
	add(&command, "example.com", RULE_HOLD, 0);
	set = ruleset_new(&file, NULL, false);
	assert_non_null(set);
	assert_int_equal(decide(set, "u@example.com", NOW), RULE_DEFER);
	next = ruleset_with(set, RULE_OF_FLEET, &fleet);
	ruleset_unref(set);
	assert_int_equal(ruleset_rules(next, RULE_OF_FLEET)->count, 1);
	assert_int_equal(decide(next, "u@example.com", NOW), RULE_REJECT);
	assert_int_equal(decide(next, "u@example.com", NOW + 2 * USEC_PER_SEC), RULE_DEFER);
	set = ruleset_with(next, RULE_OF_COMMAND, &command);
	ruleset_unref(next);
	assert_int_equal(decide(set, "u@example.com", NOW), RULE_HOLD);
	assert_int_equal(ruleset_count(set), 3);
	assert_true(ruleset_at(set, 1)->fleet && ruleset_at(set, 2)->line == 1);
	ruleset_unref(set);
}

UNIT_MAIN(cmocka_unit_test(test_change), cmocka_unit_test(test_bytes),
    cmocka_unit_test(test_bounds_of_result), cmocka_unit_test(test_spellings),
    cmocka_unit_test(test_same), cmocka_unit_test(test_left_out),
    cmocka_unit_test(test_expressions), cmocka_unit_test(test_file), cmocka_unit_test(test_rank))
