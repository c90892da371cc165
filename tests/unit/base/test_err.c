/* SPDX-License-Identifier: ISC */
/* Error texts: the code comes back, the text is cut and scrubbed, and err may be NULL. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "base/err.h"

static void test_set(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_int_equal(err_set(&err, ERR_DAMAGED, "row %d of '%s'", 7, "x"), ERR_DAMAGED);
	assert_string_equal(err.text, "row 7 of 'x'");
	assert_int_equal(err_set(NULL, ERR_FULL, "%s", "nobody reads this"), ERR_FULL);
}

static void test_system_reason(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_int_equal(err_sys(&err, ENOENT, "failed to open '%s'", "/x"), -ENOENT);
	assert_string_equal(err.text, "failed to open '/x' (No such file or directory)");
	assert_int_equal(err_sys(NULL, EPERM, "%s", ""), -EPERM);
}

static void test_within(void **state)
{
	struct err err = {{0}};

	(void)state;
	assert_int_equal(err_within(&err, ERR_TIMEOUT, "first"), ERR_TIMEOUT);
	assert_string_equal(err.text, "first: timed out");
	assert_int_equal(err_within(&err, ERR_TIMEOUT, "file %d", 2), ERR_TIMEOUT);
	assert_string_equal(err.text, "file 2: first: timed out");
}

static void test_own_text_as_value(void **state)
{
	struct err err = {{0}};

	(void)state;
	(void)err_set(&err, ERR_SYNTAX, "inner");
	(void)err_set(&err, ERR_SYNTAX, "outer (%s)", err.text);
	assert_string_equal(err.text, "outer (inner)");
}

static void test_scrubbed_and_cut(void **state)
{
	struct err err = {{0}};
	char longer[4096];

	(void)state;
	(void)err_set(&err, ERR_SYNTAX, "a\nb\x1b[31m\xff");
	assert_string_equal(err.text, "a?b?[31m?");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)err_sys(&err, ENOENT, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_words(void **state)
{
	static const int own[] = {ERR_USAGE, ERR_CONFIG, ERR_SYNTAX, ERR_NO_INDEX, ERR_VERSION,
	    ERR_FULL, ERR_DAMAGED, ERR_MODE, ERR_STALE, ERR_LOCKED, ERR_INSTANCE, ERR_TIMEOUT,
	    ERR_LIMIT, ERR_CHILD, ERR_REFUSED, ERR_NO_DAEMON, ERR_STOPPED};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		assert_string_not_equal(err_word(own[i]), "unknown error");
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(err_word(own[i]), err_word(own[j]));
	}
	assert_string_equal(err_word(-EACCES), "Permission denied");
	assert_string_equal(err_word(-99999), "unknown error");
	assert_string_equal(err_word(0), "no error");
}

UNIT_MAIN(cmocka_unit_test(test_set), cmocka_unit_test(test_system_reason),
    cmocka_unit_test(test_within), cmocka_unit_test(test_own_text_as_value),
    cmocka_unit_test(test_scrubbed_and_cut), cmocka_unit_test(test_words))
