/* SPDX-License-Identifier: ISC */
/* The header From scanner: every author, whatever stands around it, and nobody else. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "mail/from.h"

/* The mailboxes wanted, with a blank behind each. */
static const struct {
	const char *name, *input, *want;
} cases[] = {
    {"bare", "user@example.com", "user@example.com "},
    {"upper case", "User@EXAMPLE.COM", "User@example.com "},
    {"angle", "<user@example.com>", "user@example.com "},
    {"name", "Joe Bloggs <user@example.com>", "user@example.com "},
    {"name with dots", "J. R. Bloggs <user@example.com>", "user@example.com "},
    {"quoted name", "\"Bloggs, Joe\" <user@example.com>", "user@example.com "},
    {"quoted name with an address", "\"<x@y.example>\" <user@example.com>", "user@example.com "},
    {"quoted name that is an address", "\"x@y.example\" <user@example.com>", "user@example.com "},
    {"mailing list", "\"'X, Y' via Z\" <a@b.example>", "a@b.example "},
    {"escaped quote in a name", "\"a \\\" <x@y.example>\" <user@example.com>", "user@example.com "},
    {"two", "a@a.example, b@b.example", "a@a.example b@b.example "},
    {"three", "A <a@a.example>,B<b@b.example> , c@c.example",
	"a@a.example b@b.example c@c.example "},
    {"repetition", "a@a.example, A <a@A.example>", "a@a.example "},
    {"empty items", ", ,a@a.example,,", "a@a.example "},
    {"comment behind", "user@example.com (Joe)", "user@example.com "},
    {"comment with an address", "user@example.com (x@y.example)", "user@example.com "},
    {"comment in front", "(x@y.example) user@example.com", "user@example.com "},
    {"comment before @", "x(.example.com)@example.net", "x@example.net "},
    {"comment behind @", "x@(a.example)example.net", "x@example.net "},
    {"nested comments", "u@e.example (a (b) c@d.example (e)) , v@f.example",
	"u@e.example v@f.example "},
    {"escaped parenthesis", "u@e.example (a \\) x@y.example) , v@f.example",
	"u@e.example v@f.example "},
    {"quote in a comment", "u@e.example (\") , v@f.example (\")", "u@e.example v@f.example "},
    {"group", "Friends: a@a.example, B <b@b.example>;", "a@a.example b@b.example "},
    {"group name of two words", "My Friends: a@a.example;", "a@a.example "},
    {"empty group", "Undisclosed recipients:;", ""},
    {"group, then a mailbox", "G: a@a.example;, b@b.example", "a@a.example b@b.example "},
    {"two groups", "G: a@a.example; H: b@b.example;", "a@a.example b@b.example "},
    {"group in a group", "G: H: a@a.example;, b@b.example;;", "a@a.example b@b.example "},
    {"unclosed group", "G: a@a.example", "a@a.example "},
    {"group name with an address", "x@y.example: a@a.example;", "x@y.example a@a.example "},
    {"group marks alone", ":;:;::;;", ""},
    {"route", "<@a.example,@b.example:user@c.example>", "user@c.example "},
    {"route with blanks", "< @a.example , @b.example : user@c.example >", "user@c.example "},
    {"route with a literal", "<@[192.0.2.1]:user@c.example>", "user@c.example "},
    {"mailto", "<mailto:user@example.com>", "user@example.com "},
    {"quoted local part", "\"a b\"@example.com", "a b@example.com "},
    {"quoted @", "\"a@b.example\"@c.example", "a@b.example@c.example "},
    {"escapes in a quoted local part", "<\"a\\\"\\\\b\"@example.com>", "a\"\\b@example.com "},
    {"blanks around dots and @", "user . name @ example . com",
	"user.name@example user.name@example.com "},
    {"folded with LF", "Joe\n <user@example.com>,\n\tAnn <ann@example.net>",
	"user@example.com ann@example.net "},
    {"folded with CRLF", "Joe\r\n <user@\r\n example.com>\r\n", "user@example.com "},
    {"literal", "user@[192.0.2.1]", "user@[192.0.2.1] "},
    {"IPv6 literal", "<user@[IPv6:2001:DB8::1]>", "user@[ipv6:2001:db8::1] "},
    {"literal, then more", "user@[192.0.2.1].evil.test", "user@[192.0.2.1] "},
    {"trailing dot", "user@example.com.", "user@example.com "},
    {"U-label",
	"user@b\xc3\xbc"
	"cher.example",
	"user@xn--bcher-kva.example "},
    {"not UTF-8",
	"J\xfcrgen <user@b\xfc"
	"cher.example>",
	"user@b\xfc"
	"cher.example "},
    {"underscore", "user@a_b.example", "user@a_b.example "},
    {"unqualified", "root", "root "},
    {"unqualified with a comment", "root (Charlie Root)", "root "},
    {"unqualified in brackets", "Charlie Root <root>", "root "},
    {"words alone", "Joe Bloggs", ""},
    {"empty", "", ""},
    {"empty brackets", "<>", ""},
    {"name and empty brackets", "Joe <>", ""},
    {"encoded name", "=?utf-8?Q?J=C3=BCrgen?= <user@example.com>", "user@example.com "},
    {"encoded name with @", "=?utf-8?Q?x@y.example?= <user@example.com>", "user@example.com "},
    {"encoded name with brackets", "=?utf-8?Q?<x@y.example>?= <user@example.com>",
	"user@example.com "},
    {"encoded name alone", "=?utf-8?Q?x@y.example?=", ""},
    {"encoded word as a local part", "=?utf-8?Q?x?=@example.com", "=?utf-8?Q?x?=@example.com "},
    {"half an encoded word", "=?utf-8?Q?x@example.com", "=?utf-8?Q?x@example.com "},
    {"stray >", "user@example.net>", "user@example.net "},
    {"stray <", "<<user@example.net", "user@example.net "},
    {"stray )", "user@example.net)", "user@example.net "},
    {"stray ) before a suffix", "user@example.net).evil.test", "user@example.net "},
    {"unclosed (", "x@example.net(.example.com", "x@example.net "},
    {"unclosed ( before the address", "Joe (aka <user@example.net>", "user@example.net "},
    {"unclosed ( with a closed one in it", "Joe (a (b) <user@example.net>", "user@example.net "},
    {"unclosed <", "Joe <user@example.net", "user@example.net "},
    {"unclosed <, then another", "Joe <a@a.example, Ann <b@b.example>", "a@a.example b@b.example "},
    {"unclosed quote", "\"Joe <user@example.net>", "user@example.net "},
    {"unclosed quote behind", "Joe <user@example.net> \"", "user@example.net "},
    {"odd quotes", "\"Joe\" \" <user@example.net>", "user@example.net "},
    {"unclosed [", "user@[192.0.2.1", ""},
    {"bracketed tag", "[list@x.example] <user@example.com>", "list@x.example user@example.com "},
    {"stray ]", "user@example.net]", "user@example.net "},
    {"two @", "a@b.example@c.example", "a@b.example a@b.example@c.example "},
    {"@ twice", "a@@c.example", "a@@c.example "},
    {"two angle addresses", "<a@a.example> <b@b.example>", "a@a.example b@b.example "},
    {"no comma", "a@a.example b@b.example", "a@a.example b@b.example "},
    {"semicolon for a comma", "a@a.example; b@b.example", "a@a.example b@b.example "},
    {"address as a name", "x@y.example <user@example.com>", "x@y.example user@example.com "},
    {"lone quoted address", "\"user@example.com\"", "user@example.com "},
    {"lone quoted address in brackets", "<\"user@example.com\">", "user@example.com "},
    {"apostrophes", "'user@example.com'", "'user@example.com "},
    {"what no host name holds", "user@example.com!x, v@example.net/y",
	"user@example.com v@example.net "},
    {"quote behind a domain", "user@example.net\"x\"", "user@example.net "},
    {"quoted domain", "user@\"example.net\"", "user@example.net "},
    {"suffix behind a blank", "user@a.example .evil.test",
	"user@a.example user@a.example.evil.test "},
    {"suffix behind a comment", "user@a.example(x).evil.test",
	"user@a.example user@a.example.evil.test "},
    {"backslash", "user@example.net\\>", "user@example.net "},
    {"control bytes", "\x01user@example.net\x02", "\x01user@example.net "},
    {"domain alone", "@example.com", "@example.com "},
    {"@ alone", "@", ""},
    {"no domain", "user@", "user "},
};

/* Returns whether something was cut. */
static bool scan(const char *value, size_t len, struct strbuf *packed, unsigned *count)
{
	bool cut;

	*count = 0;
	cut = from_scan(value, len, packed, count);
	assert_false(packed->failed);
	assert_int_equal(strlist_of(packed).count, *count);
	return cut;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strbuf packed = {0}, got = {0};
		struct strlist list;
		unsigned count;

		case_assert(
		    cases[i].name, !scan(cases[i].input, strlen(cases[i].input), &packed, &count));
		list = strlist_of(&packed);
		strlist_each (item, &list) {
			strbuf_puts(&got, item);
			strbuf_putc(&got, ' ');
		}
		case_assert_text(cases[i].name, strbuf_text(&got), cases[i].want);
		strbuf_release(&packed);
		strbuf_release(&got);
	}
}

static void test_several_fields(void **state)
{
	struct strbuf packed = {0};
	unsigned count = 0;
	struct strlist list;

	(void)state;
	assert_false(from_scan("a@a.example", 11, &packed, &count));
	assert_false(from_scan("b@b.example, a@a.example", 24, &packed, &count));
	list = strlist_of(&packed);
	assert_int_equal(count, 2);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.first, "a@a.example");
	assert_string_equal(list.first + 12, "b@b.example");
	strbuf_release(&packed);
}

static void test_length_and_nul(void **state)
{
	struct strbuf packed = {0};
	unsigned count;

	(void)state;
	assert_false(scan("a@a.example\0b@b.example, c@c.example", 23, &packed, &count));
	assert_int_equal(count, 2);
	assert_string_equal(packed.text, "a@a.example");
	assert_string_equal(packed.text + 12, "b@b.example");
	strbuf_release(&packed);
}

/* n mailboxes; every second one repeats the one in front of it where `twice`. */
static void many(struct strbuf *value, unsigned n, bool twice)
{
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(value, "user%u@d%u.example, ", twice ? i / 2 : i, i % 7);
}

static void test_cap(void **state)
{
	struct strbuf value = {0}, packed = {0};
	unsigned count;

	(void)state;
	many(&value, 1000, false);
	assert_true(scan(value.text, value.len, &packed, &count));
	assert_int_equal(count, FROM_MAILBOX_MAX);
	strbuf_clear(&value);
	strbuf_clear(&packed);
	many(&value, FROM_MAILBOX_MAX, false);
	assert_false(scan(value.text, value.len, &packed, &count));
	assert_int_equal(count, FROM_MAILBOX_MAX);
	/* Repetitions past the cap cut nothing; one that is new does. */
	assert_false(from_scan(value.text, value.len, &packed, &count));
	assert_true(from_scan("new@example.com", 15, &packed, &count));
	assert_int_equal(count, FROM_MAILBOX_MAX);
	strbuf_release(&value);
	strbuf_release(&packed);
}

static void test_long_address(void **state)
{
	struct strbuf value = {0}, packed = {0};
	struct address address;
	unsigned count;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		strbuf_putc(&value, 'a');
	strbuf_puts(&value, "@example.com");
	assert_true(scan(value.text, value.len, &packed, &count));
	assert_int_equal(count, 1);
	address_split(packed.text, &address);
	assert_string_equal(address.domain.text, "example.com");
	assert_int_equal(address.local_len, ADDRESS_LOCAL_MAX);
	strbuf_release(&value);
	strbuf_release(&packed);
}

/*
 * Each repeated to 100 KB, with an address behind. Steps that look ahead must not do so again and
 * again.
 */
static const struct {
	const char *name, *unit;
} linear_cases[] = {
    {"open comments", "("},
    {"open comments with words", "(a "},
    {"closed comments", "(a)"},
    {"quotes", "\""},
    {"escaped quotes", "\"\\"},
    {"angle brackets", "<"},
    {"closing brackets", ">"},
    {"square brackets", "["},
    {"literals that do not end", "a@[1"},
    {"ats", "@"},
    {"ats and letters", "a@b"},
    {"dots and blanks", ". "},
    {"encoded words that do not end", "=?a?q?"},
    {"encoded words", "=?a?q?b?= "},
    {"colons", "a:"},
    {"commas", "a,"},
    {"same mailbox", "a@b.example,"},
    {"same mailbox, growing blanks", "a@b.example . "},
    {"backslashes", "\\"},
    {"routes", "<@a,"},
    {"words", "a "},
    {"long word", "a"},
    {"umlauts", "\xc3\xbc"},
    {"domains of umlauts", "a@\xc3\xbc.example,"},
    {"NUL", ""},
};

static void test_linear(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(linear_cases); i++) {
		size_t unit = strlen(linear_cases[i].unit);
		struct strbuf value = {0}, packed = {0};
		int64_t begin, took;
		unsigned count;

		while (value.len < 100000)
			strbuf_add(&value, unit ? linear_cases[i].unit : "\0", unit ? unit : 1);
		strbuf_puts(&value, ", last@example.com");
		begin = clock_steady();
		scan(value.text, value.len, &packed, &count);
		took = clock_steady() - begin;
		/*
		 * A quadratic scan takes tens of seconds here; a linear one milliseconds, also
		 * under sanitizers.
		 */
		case_assert(linear_cases[i].name, took < 2 * USEC_PER_SEC);
		case_assert(linear_cases[i].name, count >= 1);
		strbuf_release(&value);
		strbuf_release(&packed);
	}
}

UNIT_MAIN(cmocka_unit_test(test_cases), cmocka_unit_test(test_several_fields),
    cmocka_unit_test(test_length_and_nul), cmocka_unit_test(test_cap),
    cmocka_unit_test(test_long_address), cmocka_unit_test(test_linear))
