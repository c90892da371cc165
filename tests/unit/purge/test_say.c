/* SPDX-License-Identifier: ISC */
/* Text for people: scrubbed as a whole, and folded. */
#include "tests/unit/unit.h"

#include "purge/tell/say.h"

static char *said;
static size_t said_len;

static FILE *begin(void)
{
	return open_memstream(&said, &said_len);
}

static void assert_said(FILE *to, const char *name, const char *want)
{
	fclose(to);
	case_assert_text(name, said, want);
	free(said);
}

static void test_scrubbed(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
	    {"plain", "a", "a.\n"},
	    {"a newline of a stranger's", "a\nb\n", "a?b?.\n"},
	    {"an escape", "\033[31m", "?[31m.\n"},
	    {"right to left", "a\342\200\256b", "a?b.\n"},
	    {"no width", "a\342\200\213b", "a?b.\n"},
	    {"no UTF-8", "\377", "?.\n"},
	    {"UTF-8", "\303\274", "\303\274.\n"},
	    {"a percent sign", "%s%n", "%s%n.\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		FILE *to = begin();

		say(to, "%s.\n", cases[i].text);
		assert_said(to, cases[i].name, cases[i].want);
	}
}

/* Newlines are kept only at the two ends of the format, not in the values beside them. */
static void test_ends(void **state)
{
	FILE *to = begin();

	(void)state;
	say(to, "\n%s\n\n", "\n");
	say(to, "%s", "a\n");
	say(to, "\n");
	assert_said(to, "ends", "\n?\n\na?\n");
}

static void test_fold(void **state)
{
	FILE *to = begin();

	(void)state;
	say_fold(to, 70, "one two three fourteenletters end");
	say_fold(to, 78, "a\nb");
	assert_said(to, "fold",
	    "                                                                      one two\n"
	    "                                                                      three\n"
	    "                                                                      fourteenle\n"
	    "                                                                      tters end\n"
	    "                                                                              a?\n"
	    "                                                                              b\n");
}

/* Bytes that begin no character only affect their own line. */
static void test_fold_no_characters(void **state)
{
	char text[201];
	FILE *to = begin();

	(void)state;
	memset(text, 0x80, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say_fold(to, 0, text);
	fclose(to);
	for (const char *at = said; *at; at++)
		assert_true(*at == '?' || *at == '\n');
	free(said);
}

UNIT_MAIN(cmocka_unit_test(test_fold_no_characters), cmocka_unit_test(test_scrubbed),
    cmocka_unit_test(test_ends), cmocka_unit_test(test_fold))
