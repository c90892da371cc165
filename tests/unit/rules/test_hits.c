/* SPDX-License-Identifier: ISC */
/* The file of hits by subject. */
#include "tests/unit/rules/rule_words.h"

#include "rules/ruleset.h"

/* Rules of the file, then of the command; their hits as in the file of hits. */
static char *given(const char *text)
{
	static const char *const file[] = {"a.example OK", "b.example OK", NULL},
				 *const command[] = {"b.example OK", "/a b/ OK", NULL};
	struct ruleset *set = build(file, command);
	struct strbuf out = {0};

	hits_take(text, strlen(text), set);
	strbuf_puts(&out, "");
	hits_put(set, &out);
	ruleset_unref(set);
	return out.text;
}

static void test_file(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
	    {"nothing", "", ""},
	    {"both origins", "3 file b.example\n4 command b.example\n",
		"4 command b.example\n3 file b.example\n"},
	    {"a subject with blanks", "7 command /a b/\n", "7 command /a b/\n"},
	    {"no newline at the end", "7 command /a b/", "7 command /a b/\n"},
	    {"twice is the sum", "1 file a.example\n9 command /a b/\n2 file a.example\n",
		"9 command /a b/\n3 file a.example\n"},
	    {"of a rule that is gone", "7 file x.example\n", ""},
	    {"rubbish",
		"x\n1\n1 file\n1 file \n-1 file a.example\n0 file a.example\n"
		"1 else a.example\n99999999999999999999 file a.example\n\n2 file a.example\n",
		"2 file a.example\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *got = given(rows[i].text);

		case_assert_text(rows[i].name, got, rows[i].want);
		free(got);
	}
}

/* New counts are added; the sum shows whether the file must be written. */
static void test_sum(void **state)
{
	static const char *const file[] = {"a.example OK", NULL}, *const command[] = {NULL};
	struct ruleset *set = build(file, command);
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(hits_put(set, &out), 0);
	rule_hit(ruleset_at(set, 0));
	hits_take("4 file a.example", strlen("4 file a.example"), set);
	assert_int_equal(hits_put(set, &out), 5);
	assert_string_equal(strbuf_text(&out), "5 file a.example\n");
	hits_read("/nonexistent", set);
	strbuf_clear(&out);
	assert_int_equal(hits_put(set, &out), 5);
	strbuf_release(&out);
	ruleset_unref(set);
}

UNIT_MAIN(cmocka_unit_test(test_file), cmocka_unit_test(test_sum))
