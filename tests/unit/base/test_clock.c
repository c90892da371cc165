/* SPDX-License-Identifier: ISC */
/* Time: the injected clocks, and lengths of time read and written. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"

static int64_t fixed_wall(void)
{
	return 1234567;
}

static int64_t fixed_steady(void)
{
	return 42;
}

static void test_clocks(void **state)
{
	struct timespec before, after;
	int64_t wall, steady = clock_steady();

	(void)state;
	clock_gettime(CLOCK_REALTIME, &before);
	wall = clock_wall();
	clock_gettime(CLOCK_REALTIME, &after);
	assert_true(wall >= before.tv_sec * USEC_PER_SEC + before.tv_nsec / 1000);
	assert_true(wall <= after.tv_sec * USEC_PER_SEC + after.tv_nsec / 1000);
	assert_true(clock_steady() >= steady);
}

static void test_inject(void **state)
{
	(void)state;
	clock_inject(fixed_wall, fixed_steady);
	assert_int_equal(clock_wall(), 1234567);
	assert_int_equal(clock_steady(), 42);
	clock_inject(NULL, NULL);
	assert_true(clock_wall() > 1234567);
	assert_true(clock_steady() != 42);
}

static void test_text(void **state)
{
	static const struct {
		const char *name;
		int64_t wall;
		const char *want;
	} cases[] = {
	    {"epoch", 0, "1970-01-01 00:00:00"},
	    {"truncated", INT64_C(1795455617999999), "2026-11-23 17:40:17"},
	    {"before the epoch", -1, "1969-12-31 23:59:59"},
	    {"out of range", INT64_MAX, "294247-01-10 04:00:54"},
	};
	char buf[CLOCK_TEXT_SIZE], tiny[4];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert_text(
		    cases[i].name, clock_text(cases[i].wall, buf, sizeof(buf)), cases[i].want);
	assert_string_equal(clock_text(0, tiny, sizeof(tiny)), "?");
}

static void test_span_text(void **state)
{
	static const struct {
		const char *name;
		int64_t seconds;
		const char *want;
	} cases[] = {
	    {"nothing", 0, "0s"},
	    {"negative", -5, "0s"},
	    {"seconds", 59, "59s"},
	    {"a minute", 60, "1m"},
	    {"under an hour", 3599, "59m"},
	    {"an hour", 3600, "1h"},
	    {"under a day", 86399, "23h"},
	    {"a day", 86400, "1d"},
	    {"many days", 86400 * 400, "400d"},
	};
	char buf[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert_text(cases[i].name,
		    clock_span_text(cases[i].seconds * USEC_PER_SEC, buf, sizeof(buf)),
		    cases[i].want);
}

static void test_parse_span(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		int64_t want; /* -1: refused */
	} cases[] = {
	    {"no unit", "90", 90 * USEC_PER_SEC},
	    {"zero", "0", 0},
	    {"milliseconds", "100ms", 100000},
	    {"seconds", "90s", 90 * USEC_PER_SEC},
	    {"minutes", "10m", 600 * USEC_PER_SEC},
	    {"hours", "2h", 7200 * USEC_PER_SEC},
	    {"days", "3d", 259200 * USEC_PER_SEC},
	    {"weeks", "1w", 604800 * USEC_PER_SEC},
	    {"100 years", "36525d", INT64_C(36525) * 86400 * USEC_PER_SEC},
	    {"more than 100 years", "36526d", -1},
	    {"overflow", "99999999999999999999999999", -1},
	    {"overflow by the unit", "9223372036854775w", -1},
	    {"empty", "", -1},
	    {"unit alone", "s", -1},
	    {"negative", "-1s", -1},
	    {"sign", "+1s", -1},
	    {"space", "1 s", -1},
	    {"fraction", "1.5h", -1},
	    {"two units", "1h30m", -1},
	    {"capital", "1H", -1},
	    {"unknown unit", "1y", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t got = -1;
		int code = clock_parse_span(cases[i].text, &got);

		case_assert(cases[i].name, code == (cases[i].want < 0 ? ERR_SYNTAX : 0));
		case_assert(cases[i].name, got == cases[i].want);
	}
}

UNIT_MAIN(cmocka_unit_test(test_clocks), cmocka_unit_test(test_inject), cmocka_unit_test(test_text),
    cmocka_unit_test(test_span_text), cmocka_unit_test(test_parse_span))
