/* SPDX-License-Identifier: ISC */
/* Hits by subject: a file of them, and from one list of rules to the next. */
#include "tests/unit/rules/rule_words.h"

#include "rules/hits.h"

static void parse(struct hits *h, const char *text)
{
	assert_int_equal(hits_parse(h, text, strlen(text)), 0);
}

/* Rules of the file, then of the command; their hits as the file of hits has them. */
static char *given(struct hits *h)
{
	static const char *const file[] = {"a.example OK", "b.example OK", NULL},
				 *const command[] = {"b.example OK", "/a b/ OK", NULL};
	struct ruleset *set = build(file, command);
	struct strbuf out = {0};

	hits_add_to(h, set);
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
		struct hits h = {0};
		char *got;

		parse(&h, rows[i].text);
		got = given(&h);
		case_assert_text(rows[i].name, got, rows[i].want);
		free(got);
		hits_release(&h);
	}
}

/* From a set to the list of rules that comes after it. */
static void test_next_list(void **state)
{
	static const char *const file[] = {"a.example OK", "b.example OK", NULL}, *const command[] =
										      {NULL};
	struct ruleset *set = build(file, command);
	struct rule_list next = {0};
	struct hits h = {0};

	(void)state;
	ruleset_count_hit(set, find(set, "x@b.example").index);
	assert_true(ruleset_gather_hits(set));
	assert_int_equal(hits_gather(&h, set), 0);
	add_line(&next, "b.example REJECT", 7);
	add_line(&next, "a.example REJECT", 8);
	next.list[1].hits = 5;
	hits_give(&h, &next, false);
	assert_int_equal(next.list[0].hits, 0); /* another origin's */
	hits_give(&h, &next, true);
	assert_int_equal(next.list[0].hits, 1);
	assert_int_equal(next.list[1].hits, 5);
	rule_list_release(&next);
	hits_release(&h);
	ruleset_unref(set);
}

static void test_missing_file(void **state)
{
	struct hits h = {0};

	(void)state;
	assert_int_equal(hits_read("/nonexistent", &h), 0);
	assert_int_equal(h.count, 0);
	hits_release(&h);
}

UNIT_MAIN(cmocka_unit_test(test_file), cmocka_unit_test(test_next_list),
    cmocka_unit_test(test_missing_file))
