/* SPDX-License-Identifier: ISC */
/* The small parts: addresses in words, suggestions, lifetimes, holds, error codes. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/holds.h"
#include "purge/lifetime.h"
#include "purge/session.h"
#include "purge/spell.h"
#include "purge/tell/wording.h"
#include "tests/unit/purge/crafted.h"

static void test_address(void **state)
{
	static const struct {
		const char *name, *normal, *want;
	} cases[] = {
	    {"plain", "a.b@example.com", "a.b@example.com"},
	    {"null sender", "", "MAILER-DAEMON"},
	    {"blank", "a b@example.com", "\"a b\"@example.com"},
	    {"at sign", "a@b@example.com", "\"a@b\"@example.com"},
	    {"quote and backslash", "a\"\\b@example.com", "\"a\\\"\\\\b\"@example.com"},
	    {"leading dot", ".a@example.com", "\".a\"@example.com"},
	    {"trailing dot", "a.@example.com", "\"a.\"@example.com"},
	    {"two dots", "a..b@example.com", "\"a..b\"@example.com"},
	    {"8 bits", "\303\274@example.com", "\303\274@example.com"},
	    {"no domain", "root", "root"},
	    {"empty local part", "@example.com", "\"\"@example.com"},
	};
	struct strbuf got = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		wording_address(cases[i].normal, &got);
		case_assert_text(cases[i].name, strbuf_text(&got), cases[i].want);
	}
	strbuf_release(&got);
}

static void test_address_text(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(wording_address_text("", buf, sizeof(buf)), "<>");
	assert_string_equal(wording_address_text("a@b.example", buf, sizeof(buf)), "a@b.example");
	assert_string_equal(
	    wording_address_text("long@domain.example", buf, sizeof(buf)), "long@domain....");
	assert_string_equal(
	    wording_address_text("abcdefghijk\303\274lmno@d.example", buf, sizeof(buf)),
	    "abcdefghijk...");
	assert_null(strpbrk(wording_address_text("\033[1m@b", buf, sizeof(buf)), "\033"));
}

static void test_fold(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	(void)state;
	wording_fold(to, 70, "one two three fourteenletters end");
	fclose(to);
	assert_string_equal(text,
	    "                                                                      one two\n"
	    "                                                                      three\n"
	    "                                                                      "
	    "fourteenle\n"
	    "                                                                      tters end\n");
	free(text);
}

static void test_spell(void **state)
{
	static const char *const words[] = {"purge", "hold", "release", "list", "rules"};
	static const struct {
		const char *name, *want;
	} cases[] = {{"purg", "purge"}, {"pruge", "purge"}, {"lst", "list"}, {"rule", "rules"},
	    {"relaese", "release"}, {"x", NULL}, {"frobnicate", NULL}, {"", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct spell spell = {0};

		for (size_t w = 0; w < COUNT_OF(words); w++)
			spell_consider(&spell, cases[i].name, words[w]);
		if (!cases[i].want)
			case_assert(cases[i].name, spell.best == NULL);
		else {
			case_assert(cases[i].name, spell.best != NULL);
			case_assert_text(cases[i].name, spell.best, cases[i].want);
		}
	}
}

static void test_lifetime(void **state)
{
	int64_t usec;

	(void)state;
	assert_int_equal(lifetime_parse("5d", &usec), 0);
	assert_int_equal(usec, 5 * 86400 * USEC_PER_SEC);
	assert_int_equal(lifetime_parse("2", &usec), 0);
	assert_int_equal(usec, 2 * 86400 * USEC_PER_SEC);
	assert_int_equal(lifetime_parse("0", &usec), 0);
	assert_int_equal(usec, 0);
	assert_int_equal(lifetime_parse("36h", &usec), 0);
	assert_int_equal(usec, 36 * 3600 * USEC_PER_SEC);
	assert_int_equal(lifetime_parse("soon", &usec), ERR_SYNTAX);
}

static void test_lifetime_over(void **state)
{
	struct crafted c;
	int64_t arrival;

	(void)state;
	crafted_init(&c);
	arrival = crafted_add(&c, RESULT_READY, "a@example.com")->proof.arrival_time;
	crafted_add(&c, RESULT_READY, "b@example.com")->proof.arrival_time = arrival + 10;
	crafted_add(&c, RESULT_CHANGED, "c@example.com");
	assert_int_equal(lifetime_over(&c.outcome, 100, arrival + 105, false), 1);
	assert_int_equal(c.items[0].result, RESULT_READY);
	assert_int_equal(lifetime_over(&c.outcome, 100, arrival + 105, true), 1);
	assert_int_equal(c.items[0].result, RESULT_FAILED);
	assert_int_equal(c.items[1].result, RESULT_READY);
	assert_int_equal(c.items[2].result, RESULT_CHANGED);
}

/* The last batch that names a message says whether it is held; another arrival under its ID is
 * another message. */
static void test_holds(void **state)
{
	struct holds_entry list[] = {
	    {{"0AAAA1"}, 100, 1, true},
	    {{"0AAAA2"}, 100, 1, true},
	    {{"0AAAA2"}, 100, 2, false},
	    {{"0AAAA3"}, 100, 1, true},
	    {{"0AAAA3"}, 100, 2, false},
	    {{"0AAAA3"}, 100, 3, true},
	    {{"0AAAA4"}, 100, 1, false},
	    {{"0AAAA4"}, 200, 1, true},
	};
	struct holds holds = {list, COUNT_OF(list)};
	static const struct {
		const char *id;
		int64_t arrival;
		bool want;
	} cases[] = {{"0AAAA1", 100, true}, {"0AAAA1", 101, false}, {"0AAAA2", 100, false},
	    {"0AAAA3", 100, true}, {"0AAAA4", 100, false}, {"0AAAA4", 200, true},
	    {"0AAAA0", 100, false}, {"0AAAA5", 100, false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct queue_id id = {""};

		snprintf(id.text, sizeof(id.text), "%s", cases[i].id);
		case_assert(
		    cases[i].id, holds_contains(&holds, &id, cases[i].arrival) == cases[i].want);
	}
	holds.count = 0;
	assert_false(holds_contains(&holds, &list[0].queue_id, 100));
}

static void test_foreign(void **state)
{
	struct holds_entry list[] = {{{"0AAAA2"}, INT64_C(1000000000) * 1000000, 1, true}};
	struct holds holds = {list, 1};
	struct crafted c;

	(void)state;
	crafted_init(&c);
	crafted_add(&c, RESULT_READY, "a@example.com");
	crafted_add(&c, RESULT_READY, "b@example.com");
	crafted_add(&c, RESULT_GONE, "c@example.com");
	assert_int_equal(holds_exclude_foreign(&holds, &c.outcome), 1);
	assert_int_equal(c.items[0].result, RESULT_EXCLUDED);
	assert_int_equal(c.items[1].result, RESULT_READY);
	assert_int_equal(c.items[2].result, RESULT_GONE);
}

/* 1 = nothing was begun, 2 = something failed. */
static void test_exit_of(void **state)
{
	(void)state;
	assert_int_equal(session_exit_of(ERR_USAGE), 1);
	assert_int_equal(session_exit_of(ERR_CONFIG), 1);
	assert_int_equal(session_exit_of(ERR_NO_INDEX), 1);
	assert_int_equal(session_exit_of(ERR_DAMAGED), 1);
	assert_int_equal(session_exit_of(-EPERM), 1);
	assert_int_equal(session_exit_of(ERR_CHILD), 2);
	assert_int_equal(session_exit_of(ERR_TIMEOUT), 2);
	assert_int_equal(session_exit_of(-ENOMEM), 2);
}

UNIT_MAIN(cmocka_unit_test(test_address), cmocka_unit_test(test_address_text),
    cmocka_unit_test(test_fold), cmocka_unit_test(test_spell), cmocka_unit_test(test_lifetime),
    cmocka_unit_test(test_lifetime_over), cmocka_unit_test(test_holds),
    cmocka_unit_test(test_foreign), cmocka_unit_test(test_exit_of))
