/* SPDX-License-Identifier: ISC */
/* A fleet order as a command line: its keys, and the effect of its age. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "purge/door/fleet_words.h"

static char *words_of(const char *verb, int64_t age, struct door_pair *pairs, size_t count,
    bool dry_run, char *buf, size_t size)
{
	const struct door_fleet order = {.verb = verb,
	    .age = age,
	    .reason = "why not",
	    .dry_run = dry_run,
	    .number = 7,
	    .pairs = pairs,
	    .count = count};
	const uint64_t batches[] = {3, 12};
	struct fleet_words words;
	size_t len = 0;

	assert_int_equal(
	    fleet_words_make(&order, batches, strcmp(verb, "undo") == 0 ? 2 : 0, &words, NULL), 0);
	buf[0] = '\0';
	for (size_t n = 0; n < words.count; n++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", n ? "|" : "", words.list[n]);
	assert_non_null(strstr(words.line, "order 7"));
	fleet_words_release(&words);
	return buf;
}

#define HOUR (3600 * USEC_PER_SEC)

static void test_words(void **state)
{
	static struct door_pair some[] = {{"author", "example.com"}, {"login", "--save=/tmp"},
	    {"message_id", "a@b"}, {"all", "yes"}, {"author", "<>"}};
	static struct door_pair asks[] = {
	    {"subject", "/--all/"}, {"why", "/x y/i"}, {"login", "@b.example"}};
	static struct door_pair ages[] = {{"older_s", "60"}, {"newer_s", "7200"}};
	static struct door_pair no_time[] = {{"older_s", "0"}, {"newer_s", "0"}};
	static const struct {
		const char *verb;
		int64_t age;
		struct door_pair *pairs;
		size_t count;
		bool dry_run;
		const char *words;
	} cases[] = {
	    {"purge", 0, some, 5, false,
		"purge|--json|--reason=why not|--login=--save=/tmp|--message-id=a@b|--all|--|"
		"example.com|<>"},
	    {"hold", 0, asks, 3, false,
		"hold|--json|--reason=why not|--subject=/--all/|--why=/x "
		"y/i|--login=@b.example|--"},
	    {"hold", 0, some, 1, true, "hold|--json|--dry-run|--reason=why not|--|example.com"},
	    /* A late order spares mail that came after it. */
	    {"purge", 60 * USEC_PER_SEC, some, 1, false,
		"purge|--json|--reason=why not|--|example.com"},
	    {"purge", 2 * HOUR, some, 1, false,
		"purge|--json|--reason=why not|--older=7140s|--|example.com"},
	    /* Ages count from the time when it was placed. */
	    {"purge", 0, ages, 2, false,
		"purge|--json|--reason=why not|--older=60s|--newer=7200s|--"},
	    {"purge", HOUR, ages, 2, false,
		"purge|--json|--reason=why not|--older=3660s|--newer=10800s|--"},
	    {"purge", 0, no_time, 2, false,
		"purge|--json|--reason=why not|--older=0s|--newer=0s|--"},
	    {"purge", HOUR, no_time, 2, false,
		"purge|--json|--reason=why not|--older=3600s|--newer=3600s|--"},
	    {"list", 2 * HOUR, some, 1, false, "list|--json|--|example.com"},
	    {"undo", 2 * HOUR, NULL, 0, false, "undo|--json|--reason=why not|--|3|12"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char got[1024];

		words_of(cases[n].verb, cases[n].age, cases[n].pairs, cases[n].count,
		    cases[n].dry_run, got, sizeof(got));
		case_assert_text(cases[n].words, got, cases[n].words);
	}
}

UNIT_MAIN(cmocka_unit_test(test_words))
