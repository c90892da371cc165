/* SPDX-License-Identifier: ISC */
/* Included by every unit test: cmocka after the headers that it needs, and helpers for table
 * tests. */
#ifndef PQPURGE_TESTS_UNIT_H
#define PQPURGE_TESTS_UNIT_H

/* clang-format off */
/* In the order that cmocka wants. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
/* Deprecated by cmocka 2, so that a test with them does not build there. */
#undef assert_in_range
#undef assert_not_in_range
#pragma GCC poison assert_in_range assert_not_in_range

#include "base/base.h"

/* The case's name comes first, so that its row in the table can be found. */
#define case_fail(name, ...)                                                                       \
	do {                                                                                       \
		print_error("case '%s': ", name);                                                  \
		print_error(__VA_ARGS__);                                                          \
		print_error("\n");                                                                 \
		fail();                                                                            \
	} while (0)
#define case_assert(name, condition)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			case_fail(name, "%s:%d: %s", __FILE__, __LINE__, #condition);              \
	} while (0)
#define case_assert_text(name, got, want)                                                          \
	do {                                                                                       \
		if (strcmp((got), (want)) != 0)                                                    \
			case_fail(name, "%s:%d: got '%s', want '%s'", __FILE__, __LINE__, (got),   \
			    (want));                                                               \
	} while (0)

/* main() of a test file: UNIT_MAIN(test_a, test_b) */
#define UNIT_MAIN(...)                                                                             \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#endif
