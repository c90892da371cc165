/* SPDX-License-Identifier: ISC */
/* Frames of fleet orders and of the fleet's rules: what pqpurge-link may send, and what root
 * accepts. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "door/door.h"

#define TOKEN "0f8fad5b-d9cb-469f-a165-70867728950e"

static struct door_order order_of(struct door_pair *pairs, size_t count)
{
	return (struct door_order){.kind = DOOR_FLEET,
	    .fleet = {.number = 16,
		.token = TOKEN,
		.attempt = 1,
		.verb = "purge",
		.age = 5,
		.placed_by = "anna",
		.reason = "hacked account",
		.pairs = pairs,
		.count = count}};
}

static int encode(const struct door_order *order, struct err *err)
{
	struct bytes out = {0};
	int code = door_encode(order, &out, err);

	bytes_release(&out);
	return code;
}

static void test_order(void **state)
{
	struct door_pair pairs[] = {{"author", "example.com"}, {"author", "/x+/"}, {"all", "yes"}};
	struct door_order sent = order_of(pairs, COUNT_OF(pairs)), got;
	struct bytes out = {0};

	(void)state;
	sent.fleet.lookup = true;
	assert_int_equal(door_encode(&sent, &out, NULL), 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), 0);
	assert_int_equal(got.kind, DOOR_FLEET);
	assert_true(got.fleet.number == 16 && got.fleet.attempt == 1 && got.fleet.age == 5);
	assert_true(got.fleet.lookup && !got.fleet.dry_run);
	assert_string_equal(got.fleet.token, TOKEN);
	assert_string_equal(got.fleet.placed_by, "anna");
	assert_int_equal(got.fleet.count, COUNT_OF(pairs));
	assert_string_equal(got.fleet.pairs[1].value, "/x+/");
	door_order_release(&got);
	/* Cut anywhere, or with one more byte, it is invalid. */
	for (size_t len = 0; len < out.len; len++)
		assert_true(door_decode((struct span){out.at, len}, &got, NULL) < 0);
	bytes_put_u8(&out, 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), ERR_SYNTAX);
	bytes_release(&out);
}

static void test_pairs(void **state)
{
	static const struct {
		const char *key, *value;
		bool good;
	} cases[] = {
	    {"author", "example.com", true}, {"author", ".example.com", true},
	    {"sender", "u@example.com", true}, {"from", "<>", true},
	    {"recipient", "/^a.*@b$/i", true},
	    {"author", "Example.COM", false}, /* not the normal form */
	    {"author", "x.test;id", false}, {"author", "a b", false}, {"author", "", false},
	    {"author", "--save=/tmp", false}, {"author", "\033[2J", false},
	    {"author", "\xff", false}, {"login", "joe", true}, {"login", "", false},
	    {"client", "192.0.2.0/24", true}, {"client", "192.0.2.1/24", false},
	    {"client", "192.0.2.0/024", false}, {"uid", "www-data", true}, {"uid", "-r", false},
	    {"uid", "a=b", false}, {"id", "4cGFkD2vDmz9rvC", true}, {"id", "../../etc", false},
	    {"id", "-", false}, {"subject", "/win/", true}, {"subject", "win", false},
	    {"subject", "", false}, {"why", "/refused$/i", true}, {"why", "example.com", false},
	    {"login", "@example.com", true}, {"login", "/^joe/", true}, {"older_s", "3600", true},
	    {"older_s", "1h", false}, {"older_s", "-1", false}, {"newer_s", "99999999999", false},
	    {"limit", "0", false}, {"limit", "100", true}, {"queue", "deferred,hold", true},
	    {"queue", "/etc", false}, {"by", "login", true}, {"all", "yes", true},
	    {"all", "no", false}, {"save", "/tmp", false}, {"config", "/tmp/x", false},
	    {"colour", "red", false}, {"", "x", false},
	    {"older", "1h", false}, /* the option's form, not the key's */
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct door_pair pair = {cases[n].key, cases[n].value};
		struct door_order order = order_of(&pair, 1);
		struct err err = {{0}};
		int code = encode(&order, &err);

		if ((code == 0) != cases[n].good)
			case_fail(cases[n].value, "%s: %d %s", cases[n].key, code, err.text);
	}
}

/* undo takes back an order's own holds, never a batch by its number. */
static void test_undo(void **state)
{
	static const struct {
		const char *key, *value;
		bool undo, purge;
	} cases[] = {{"of", TOKEN, true, false},
	    {"of", "0F8FAD5B-D9CB-469F-A165-70867728950E", false, false},
	    {"of", "16", false, false}, {"author", "17", false, true},
	    {"author", "example.com", false, true}, {"requeue", "yes", true, true}};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct door_pair pair = {cases[n].key, cases[n].value};
		struct door_order order = order_of(&pair, 1);

		case_assert(cases[n].value, (encode(&order, NULL) == 0) == cases[n].purge);
		order.fleet.verb = "undo";
		case_assert(cases[n].value, (encode(&order, NULL) == 0) == cases[n].undo);
	}
}

static void test_repeated(void **state)
{
	struct door_pair many[] = {{"login", "a"}, {"login", "b"}};
	struct door_pair once[] = {{"limit", "1"}, {"limit", "2"}};
	struct door_order order = order_of(many, 2);

	(void)state;
	assert_int_equal(encode(&order, NULL), 0);
	order = order_of(once, 2);
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
}

static void test_fields(void **state)
{
	struct door_order order = order_of(NULL, 0);
	static const char *const verbs[] = {
	    "purge", "hold", "release", "undo", "list", "top", "why", "status", "health"};
	static const char *const none[] = {
	    "block", "setup", "sync", "order", "floods", "", "Purge", "--help"};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(verbs); n++) {
		order.fleet.verb = verbs[n];
		case_assert(verbs[n], encode(&order, NULL) == 0);
	}
	for (size_t n = 0; n < COUNT_OF(none); n++) {
		order.fleet.verb = none[n];
		case_assert(none[n], encode(&order, NULL) == ERR_SYNTAX);
	}
	order = order_of(NULL, 0);
	order.fleet.placed_by = "anna; rm";
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
	order = order_of(NULL, 0);
	order.fleet.token = "flood:12";
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
	order = order_of(NULL, 0);
	order.fleet.attempt = 0;
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
	order = order_of(NULL, 0);
	order.fleet.age = -1;
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
	order = order_of(NULL, 0);
	order.fleet.reason = "a\nb";
	assert_int_equal(encode(&order, NULL), ERR_SYNTAX);
}

/* The daemon's account cannot give a hold the token of a fleet order. */
static void test_token_is_the_fleets(void **state)
{
	struct door_order hold = {.kind = DOOR_HOLD,
	    .hold = {.key = DOOR_LOGIN,
		.value = "joe",
		.since = 1,
		.until = 2,
		.most = 1,
		.token = DOOR_FLEET_PREFIX TOKEN,
		.reason = ""}};

	(void)state;
	assert_int_equal(encode(&hold, NULL), ERR_SYNTAX);
	hold.hold.token = "flood:1";
	assert_int_equal(encode(&hold, NULL), 0);
}

static void test_rules(void **state)
{
	struct door_rule rules[] = {
	    {"example.com", "REJECT", "5.7.1 no", "why", "anna", 5}, {"x.test", "", "", "", "", 0}};
	struct door_order sent = {.kind = DOOR_RULES,
	    .rules = {.replace = true, .more = true, .rules = rules, .count = COUNT_OF(rules)}};
	struct bytes out = {0};
	struct door_order got;

	(void)state;
	assert_int_equal(door_encode(&sent, &out, NULL), 0);
	assert_int_equal(door_decode(bytes_span(&out), &got, NULL), 0);
	assert_true(got.rules.replace && got.rules.more);
	assert_int_equal(got.rules.count, 2);
	assert_string_equal(got.rules.rules[0].set_by, "anna");
	assert_true(got.rules.rules[0].left == 5);
	assert_string_equal(got.rules.rules[1].action, "");
	door_order_release(&got);
	for (size_t len = 0; len < out.len; len++)
		assert_true(door_decode((struct span){out.at, len}, &got, NULL) < 0);
	bytes_release(&out);

	rules[0].reason = "\033[2J";
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
	rules[0].reason = "";
	rules[0].left = -1;
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
	rules[0].left = 0;
	rules[0].subject = "";
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
}

/* 10,000 rules are accepted, but not frames without end. */
static void test_bounds_of_rules(void **state)
{
	char text[2050];
	struct door_rule rule = {text, "REJECT", "", "", "anna", 0};
	struct door_order sent = {.kind = DOOR_RULES, .rules = {.rules = &rule, .count = 1}};

	(void)state;
	memset(text, 'a', sizeof(text));
	text[2048] = '\0';
	assert_int_equal(encode(&sent, NULL), 0);
	text[2048] = 'a';
	text[2049] = '\0';
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
	rule.subject = "x.test";
	rule.reason = text + 2049 - 400;
	assert_int_equal(encode(&sent, NULL), 0);
	rule.reason--;
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
	sent.rules = (struct door_rules){.replace = true};
	assert_int_equal(encode(&sent, NULL), 0);
	sent.rules.more = true;
	assert_int_equal(encode(&sent, NULL), ERR_SYNTAX);
}

UNIT_MAIN(cmocka_unit_test(test_order), cmocka_unit_test(test_pairs), cmocka_unit_test(test_undo),
    cmocka_unit_test(test_repeated), cmocka_unit_test(test_fields),
    cmocka_unit_test(test_token_is_the_fleets), cmocka_unit_test(test_rules),
    cmocka_unit_test(test_bounds_of_rules))
