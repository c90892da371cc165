/* SPDX-License-Identifier: ISC */
/* The parts of a header that are recorded, by the session and by the reader of queue files
 * alike. */
#include "tests/unit/unit.h"

#include "mail/header.h"

static const struct {
	const char *name, *value, *want;
} ids[] = {
    {"usual", "<a@b.example>", "<a@b.example>"},
    {"blanks around", " \t<a@b.example>\r\n", "<a@b.example>"},
    {"comment behind", "<a@b.example> (added by x)", "<a@b.example>"},
    {"comment in front", "(x <y@z>) <a@b.example>", "<a@b.example>"},
    {"folded", "\n <a@b.example>", "<a@b.example>"},
    {"folded inside", "<a\n b@b.example>", "<ab@b.example>"},
    {"two", "<a@b.example> <c@d.example>", "<a@b.example>"},
    {"word in front", "id: <a@b.example>", "<a@b.example>"},
    {"no brackets", "a@b.example", "a@b.example"},
    {"no brackets, a comment", "a@b.example (x)", "a@b.example"},
    {"unclosed", "<a@b.example", "<a@b.example"},
    {"unclosed comment", "(x", "(x"},
    {"empty brackets", "<>", "<>"},
    {"empty", "", ""},
    {"blanks", " \n ", ""},
    {"comment alone", "(x)", ""},
};

static void take(struct header *h, const char *name, const char *value)
{
	header_take(h, name, value, strlen(value));
}

static void test_ids(void **state)
{
	struct header h = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		header_clear(&h);
		take(&h, "Message-ID", ids[i].value);
		case_assert_text(ids[i].name, h.message_id, ids[i].want);
		case_assert(ids[i].name, !h.cut_text);
	}
	header_release(&h);
}

static void test_fields(void **state)
{
	struct header h = {0};
	struct strlist from;

	(void)state;
	take(&h, "MESSAGE-id", "(nothing)");
	take(&h, "Message-Id", "<first@x>");
	take(&h, "Message-ID", "<second@x>");
	take(&h, "From", "a@a.example");
	take(&h, "FROM", "b@b.example, a@a.example");
	take(&h, "Fromage", "c@c.example");
	take(&h, "Fro", "c@c.example");
	header_take(&h, "From", "d@d.example", 11);
	assert_string_equal(h.message_id, "<first@x>");
	from = strlist_of(&h.from.packed);
	assert_int_equal(from.count, 3);
	assert_string_equal(from.first, "a@a.example");
	header_clear(&h);
	assert_string_equal(h.message_id, "");
	assert_int_equal(h.from.count, 0);
	header_release(&h);
}

static void test_long_id(void **state)
{
	char value[MESSAGE_TEXT_MAX + 10];
	struct header h = {0};

	(void)state;
	memset(value, 'x', sizeof(value));
	value[0] = '<';
	value[sizeof(value) - 2] = '>';
	value[sizeof(value) - 1] = '\0';
	take(&h, "Message-ID", value);
	assert_true(h.cut_text);
	assert_int_equal(strlen(h.message_id), MESSAGE_TEXT_MAX);
	header_release(&h);
}

UNIT_MAIN(cmocka_unit_test(test_ids), cmocka_unit_test(test_fields), cmocka_unit_test(test_long_id))
