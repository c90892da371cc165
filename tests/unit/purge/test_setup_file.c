/* SPDX-License-Identifier: ISC */
/* Changes of one line of a settings file. */
#include "tests/unit/unit.h"

#include "purge/setup/setup_file.h"

static void test_origin_line(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
	    {"empty", "", "origin = \"a.test\"\n"},
	    {"at the end", "user = \"x\"\n", "user = \"x\"\norigin = \"a.test\"\n"},
	    {"instead of the comment", "# origin: words\n#origin = \"\"\n#x\n",
		"# origin: words\norigin = \"a.test\"\n#x\n"},
	    {"comment with blanks", " # origin=\"b\"", "origin = \"a.test\""},
	    {"instead of the value", "#origin = \"\"\norigin = \"\"\nx = 1\n",
		"#origin = \"\"\norigin = \"a.test\"\nx = 1\n"},
	    {"indented", "\torigin=''\n", "origin = \"a.test\"\n"},
	    {"what follows stays", "origin = \"\" x = 1 # c\r\ny = 2\n",
		"origin = \"a.test\" x = 1 # c\r\ny = 2\n"},
	    {"a comment directly behind", "origin=b#c", "origin = \"a.test\"#c"},
	    {"escaped quote", "origin = \"b\\\"=c\"#d\n", "origin = \"a.test\"#d\n"},
	    {"a quote that does not end", "origin = 'b # c\nx = 1\n",
		"origin = \"a.test\"\nx = 1\n"},
	    {"longer names are others", "origins = 1\n", "origins = 1\norigin = \"a.test\"\n"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct strbuf changed = {0}, before = {0}, after = {0};

		setup_set_line(cases[n].text, "origin", "a.test", &changed, &before, &after);
		case_assert_text(cases[n].name, strbuf_text(&changed), cases[n].want);
		case_assert(cases[n].name, strstr(cases[n].text, strbuf_text(&before)) != NULL);
		case_assert(cases[n].name, str_starts(strbuf_text(&after), "origin = \"a.test\"") &&
					       strstr(cases[n].want, strbuf_text(&after)));
		strbuf_release(&changed);
		strbuf_release(&before);
		strbuf_release(&after);
	}
}

static void test_plain(void **state)
{
	static const struct {
		const char *name, *origin;
		bool want;
	} cases[] = {
	    {"name", "mail.example.org", true},
	    {"literal", "[192.0.2.1]", true},
	    {"nothing", "", false},
	    {"quote", "a\"b", false},
	    {"reference", "${HOME}", false},
	    {"backslash", "a\\b", false},
	    {"blank", "a b", false},
	    {"newline", "a\nb", false},
	    {"not ASCII", "\303\244.example", false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		case_assert(cases[n].name, setup_is_plain(cases[n].origin) == cases[n].want);
}

UNIT_MAIN(cmocka_unit_test(test_origin_line), cmocka_unit_test(test_plain))
