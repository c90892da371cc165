/* SPDX-License-Identifier: ISC */
/* Names that are counted, and ages in qshape's columns. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "purge/tell/names.h"
#include "purge/top/top.h"

static void test_ages(void **state)
{
	static const struct {
		const char *name;
		int64_t minutes;
		unsigned want;
	} cases[] = {{"future", -1, 0}, {"now", 0, 0}, {"five", 5, 0}, {"six", 6, 1},
	    {"ten", 10, 1}, {"eleven", 11, 2}, {"twenty-one", 21, 3}, {"eighty", 80, 4},
	    {"640", 640, 7}, {"1280", 1280, 8}, {"1281", 1281, 9}, {"a year", 525600, 9}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		case_assert(
		    cases[i].name, top_age(cases[i].minutes * 60 * USEC_PER_SEC) == cases[i].want);
}

static void test_by(void **state)
{
	enum top_by by = TOP_CLIENT;

	(void)state;
	assert_int_equal(top_by_of("sender", &by), 0);
	assert_int_equal(by, TOP_SENDER);
	assert_int_equal(top_by_of("client", &by), 0);
	assert_int_equal(by, TOP_CLIENT);
	assert_int_equal(top_by_of("clients", &by), ERR_SYNTAX);
	assert_int_equal(top_by_of("", &by), ERR_SYNTAX);
}

static void test_names(void **state)
{
	struct names names = {0};
	char name[32];
	size_t number;

	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "%zu", i * 7919);
			assert_int_equal(names_number(&names, name, 0, &number), 0);
			assert_int_equal(number, i);
			assert_string_equal(names_at(&names, number), name);
		}
	assert_int_equal(names.count, 5000);
	assert_int_equal(names_number(&names, "", 0, &number), 0);
	assert_int_equal(number, 5000);
	assert_int_equal(names_number(&names, "new", 5001, &number), ERR_LIMIT);
	assert_int_equal(names_number(&names, "0", 5001, &number), 0);
	assert_int_equal(number, 0);
	names_release(&names);
	assert_int_equal(names.count, 0);
}

UNIT_MAIN(cmocka_unit_test(test_ages), cmocka_unit_test(test_by), cmocka_unit_test(test_names))
