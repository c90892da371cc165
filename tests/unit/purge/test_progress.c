/* SPDX-License-Identifier: ISC */
/* The line of progress as text; tests/postfix/test_progress.py has it on a real terminal. */
#include "tests/unit/unit.h"

#include "purge/tell/progress.h"

static void test_text(void **state)
{
	static const struct {
		const char *name, *doing;
		size_t done, of;
		int64_t seconds;
		unsigned columns;
		const char *want;
	} cases[] = {
	    {"counted", "deleting", 50, 200, 9, 80, "deleting 50 of 200 (25 %)"},
	    {"none yet", "deleting", 0, 200, 0, 80, "deleting 0 of 200 (0 %)"},
	    {"all", "deleting", 200, 200, 0, 80, "deleting 200 of 200 (100 %)"},
	    {"many", "proving", SIZE_MAX / 2, SIZE_MAX, 0, 80,
		"proving 9223372036854775807 of 18446744073709551615 (50 %)"},
	    {"not counted, at first", "asking the index", 0, 0, 0, 80, "asking the index"},
	    {"not counted", "asking the index", 7, 0, 12, 80, "asking the index, 12 s"},
	    {"the last column stays free", "deleting", 5, 10, 0, 22, "deleting 5 of 10 (50 "},
	    {"just fits", "deleting", 5, 10, 0, 24, "deleting 5 of 10 (50 %)"},
	    {"narrow", "deleting", 5, 10, 0, 1, ""},
	    {"no width known", "deleting", 5, 10, 0, 0, "deleting 5 of 10 (50 %)"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		char buf[160];

		progress_text(cases[n].doing, cases[n].done, cases[n].of, cases[n].seconds,
		    cases[n].columns, buf, sizeof(buf));
		case_assert_text(cases[n].name, buf, cases[n].want);
	}
}

/* cmocka's stderr is no terminal, or one without TERM. */
static void test_no_terminal(void **state)
{
	struct progress p;

	(void)state;
	unsetenv("TERM");
	progress_init(&p, true);
	assert_false(p.on);
	progress_show(&p, "deleting", 1, 2);
	progress_end(&p);
	progress_clear(stderr);
}

UNIT_MAIN(cmocka_unit_test(test_text), cmocka_unit_test(test_no_terminal))
