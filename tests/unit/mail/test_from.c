/* SPDX-License-Identifier: ISC */
/* The header From scanner: every author, whatever surrounds it, and nobody else. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "mail/address/from.h"

/* The wanted mailboxes, each followed by a blank. */
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
    {"bracketed tag", "[list@x.example] <user@example.com>", "user@example.com "},
    {"stray ]", "user@example.net]", "user@example.net "},
    {"two @", "a@b.example@c.example", "a@b.example a@b.example@c.example "},
    {"@ twice", "a@@c.example", "a@@c.example "},
    {"two angle addresses", "<a@a.example> <b@b.example>", "a@a.example b@b.example "},
    {"no comma", "a@a.example b@b.example", "a@a.example b@b.example "},
    {"semicolon for a comma", "a@a.example; b@b.example", "a@a.example b@b.example "},
    {"address as a name", "x@y.example <user@example.com>", "user@example.com "},
    {"address in a name", "x@y.example via Desk <user@example.com>", "user@example.com "},
    {"addresses in a name", "x@y.example, x@z.example v@z.example <user@example.com>",
	"x@y.example user@example.com "},
    {"address in a name, a quote with < between", "x@y.example \"<a@b.example>\"", "x@y.example "},
    {"address in a name, a comment with < between", "x@y.example (<a@b.example>)", "x@y.example "},
    {"address in front of empty brackets", "x@y.example <>", "x@y.example "},
    {"address in front of a bare word", "x@y.example <root>", "x@y.example root "},
    {"address in front of an unclosed <", "x@y.example <a@b.example", "x@y.example a@b.example "},
    {"address behind <>", "<user@example.com> x@y.example", "user@example.com x@y.example "},
    {"address between two <>", "<a@a.example> x@y.example <b@b.example>",
	"a@a.example b@b.example "},
    {"zero width space", "user@exam\xe2\x80\x8bple.com", "user@example.com "},
    {"joiners",
	"user@ex\xe2\x80\x8d"
	"ample\xe2\x80\x8c.com\xe2\x80\x8d",
	"user@example.com "},
    {"soft hyphen, byte order mark",
	"\xef\xbb\xbfuser@\xef\xbb\xbf"
	"exam\xc2\xadple.com",
	"\xef\xbb\xbfuser@example.com "},
    {"no-break space behind", "<user@example.com\xc2\xa0>", "user@example.com "},
    {"no-break space, then words", "user@example.com\xc2\xa0via us",
	"user@example.com user@example.comvia "},
    {"no-break space inside", "user@exam\xc2\xa0ple.com", "user@exam user@example.com "},
    {"ideographic space", "user@example.com\xe3\x80\x80", "user@example.com "},
    {"Latin-1 no-break space", "user@example.com\xa0", "user@example.com "},
    {"control character inside", "user@exam\x01ple.com\x7f", "user@example.com "},
    {"two trailing dots", "<user@example.com..>", "user@example.com "},
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

static void scan(struct from_list *list, const char *value, size_t len)
{
	from_clear(list);
	from_scan(list, value, len);
	assert_false(list->packed.failed);
	assert_int_equal(strlist_of(&list->packed).count, list->count);
}

static void test_cases(void **state)
{
	struct from_list list = {0};
	struct strbuf got = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct strlist view;

		scan(&list, cases[i].input, strlen(cases[i].input));
		case_assert(cases[i].name, !list.cut);
		view = strlist_of(&list.packed);
		strbuf_clear(&got);
		strlist_each (item, &view) {
			strbuf_puts(&got, item);
			strbuf_putc(&got, ' ');
		}
		case_assert_text(cases[i].name, strbuf_text(&got), cases[i].want);
	}
	strbuf_release(&got);
	from_release(&list);
}

static void test_several_fields(void **state)
{
	struct from_list list = {0};
	struct strlist view;

	(void)state;
	from_scan(&list, "a@a.example", 11);
	from_scan(&list, "b@b.example, a@a.example", 24);
	view = strlist_of(&list.packed);
	assert_false(list.cut);
	assert_int_equal(list.count, 2);
	assert_int_equal(view.count, 2);
	assert_string_equal(view.first, "a@a.example");
	assert_string_equal(view.first + 12, "b@b.example");
	from_release(&list);
}

static void test_length_and_nul(void **state)
{
	struct from_list list = {0};

	(void)state;
	scan(&list, "a@a.example\0b@b.example, c@c.example", 23);
	assert_false(list.cut);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.packed.text, "a@a.example");
	assert_string_equal(list.packed.text + 12, "b@b.example");
	from_release(&list);
}

static void many(struct strbuf *value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(value, "user%u@d%u.example, ", i, i % 7);
}

static void test_cap(void **state)
{
	struct strbuf value = {0};
	struct from_list list = {0};

	(void)state;
	many(&value, 1000);
	scan(&list, value.text, value.len);
	assert_true(list.cut);
	assert_int_equal(list.count, FROM_MAILBOX_MAX);
	strbuf_clear(&value);
	many(&value, FROM_MAILBOX_MAX);
	scan(&list, value.text, value.len);
	assert_false(list.cut);
	assert_int_equal(list.count, FROM_MAILBOX_MAX);
	/* Repetitions beyond the cap cut nothing; a new mailbox does. */
	from_scan(&list, value.text, value.len);
	assert_false(list.cut);
	from_scan(&list, "new@example.com", 15);
	assert_true(list.cut);
	assert_int_equal(list.count, FROM_MAILBOX_MAX);
	strbuf_release(&value);
	from_release(&list);
}

static void count_one(void *arg, const struct address *mailbox)
{
	unsigned *counts = arg;

	counts[0]++;
	counts[1] += strcmp(mailbox->text, "last@bad.example") == 0;
}

/* A caller that looks mailboxes up gets all of them, wherever they are. */
static void test_told(void **state)
{
	struct strbuf value = {0};
	unsigned counts[2] = {0};
	struct from_list list = {.taken = count_one, .arg = counts};

	(void)state;
	many(&value, 1000);
	strbuf_puts(&value, "last@bad.example");
	scan(&list, value.text, value.len);
	assert_int_equal(counts[0], 1001);
	assert_int_equal(counts[1], 1);
	/* Also in a later field of its own. Recorded mailboxes are not passed on again. */
	from_scan(&list, "user0@d0.example, last@bad.example", 34);
	assert_int_equal(counts[0], 1002);
	assert_int_equal(counts[1], 2);
	strbuf_release(&value);
	from_release(&list);
}

static void test_long_address(void **state)
{
	struct strbuf value = {0};
	struct from_list list = {0};
	struct address address;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		strbuf_putc(&value, 'a');
	strbuf_puts(&value, "@example.com");
	scan(&list, value.text, value.len);
	assert_true(list.cut);
	assert_int_equal(list.count, 1);
	address_split(list.packed.text, &address);
	assert_string_equal(address.domain.text, "example.com");
	assert_int_equal(address.local_len, ADDRESS_LOCAL_MAX);
	strbuf_release(&value);
	from_release(&list);
}

/* Invisible characters must not push the domain out of the kept part. */
static void test_padded(void **state)
{
	static const char *const padding[] = {
	    "\xe2\x80\x8b", "\xe2\x80\x8d", "\xc2\xad", "\xc2\xa0", "\xef\xb8\x8f", "\x01", "\xa0"};
	struct from_list list = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(padding); i++) {
		struct strbuf value = {0};
		struct strlist view;
		bool found = false;

		strbuf_puts(&value, "user@exam");
		for (unsigned n = 0; n < 5000; n++)
			strbuf_puts(&value, padding[i]);
		strbuf_puts(&value, "ple.com");
		scan(&list, value.text, value.len);
		view = strlist_of(&list.packed);
		strlist_each (item, &view)
			found |= strcmp(item, "user@example.com") == 0;
		if (!found)
			fail_msg("padding %zu: %s", i, strbuf_text(&list.packed));
		strbuf_release(&value);
	}
	from_release(&list);
}

/* libidn2 is asked a bounded number of times, and never twice about the same. */
static void test_costly(void **state)
{
	struct strbuf value = {0};
	struct from_list list = {0};

	(void)state;
	for (unsigned i = 0; i < 30000; i++)
		strbuf_printf(&value, "a@b\xc3\xbc%u.example,b@xn--bcher-kva.example,", i % 4);
	scan(&list, value.text, value.len);
	assert_int_equal(list.names, 5);
	assert_int_equal(list.count, 5);
	assert_false(list.cut);
	strbuf_clear(&value);
	for (unsigned i = 0; i < FROM_NAMES_MAX + 1; i++)
		strbuf_printf(&value, "a@b\xc3\xbc%u.example,", i);
	list.taken = count_one;
	list.arg = (unsigned[2]){0};
	scan(&list, value.text, value.len);
	assert_int_equal(list.names, FROM_NAMES_MAX);
	assert_true(list.cut);
	strbuf_release(&value);
	from_release(&list);
}

/*
 * Each is repeated to 100 KB and followed by an address. No step may look ahead over the same bytes
 * again and again.
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
    {"address and open bracket", "a@b.example <"},
    {"address and an unclosed angle address", "a@b.example <c@d "},
    {"address and a quote", "a@b.example \" "},
    {"address and a comment", "a@b.example ( "},
    {"address and brackets", "a@b.example <> "},
    {"no-break spaces", "\xc2\xa0"},
    {"domain and no-break spaces", "a@b.example\xc2\xa0"},
    {"joiners", "a@\xc3\xbc\xe2\x80\x8d\xe2\x80\x8d"},
};

/* Looking up mailboxes ends at a cap, with or without repetitions, and that is reported. */
static void test_looked(void **state)
{
	struct strbuf value = {0};
	unsigned counts[2] = {0};
	struct from_list list = {.taken = count_one, .arg = counts};

	(void)state;
	for (unsigned i = 0; i < FROM_LOOKED_MAX; i++)
		strbuf_puts(&value, "a@b.example,");
	scan(&list, value.text, value.len);
	assert_false(list.cut);
	assert_false(from_was_bounded(&list));
	assert_int_equal(counts[0], 1);
	from_scan(&list, "last@bad.example", 16);
	assert_true(list.cut);
	assert_true(from_was_bounded(&list));
	assert_int_equal(counts[0], 1);
	strbuf_release(&value);
	from_release(&list);
}

static void test_linear(void **state)
{
	struct from_list list = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(linear_cases); i++) {
		size_t unit = strlen(linear_cases[i].unit);
		struct strbuf value = {0};
		int64_t begin, took;

		while (value.len < 100000)
			strbuf_add(&value, unit ? linear_cases[i].unit : "\0", unit ? unit : 1);
		strbuf_puts(&value, ", last@example.com");
		begin = clock_steady();
		scan(&list, value.text, value.len);
		took = clock_steady() - begin;
		/*
		 * A quadratic scan takes tens of seconds here; a linear one milliseconds, also
		 * under sanitizers.
		 */
		case_assert(linear_cases[i].name, took < 2 * USEC_PER_SEC);
		case_assert(linear_cases[i].name, list.count >= 1);
		strbuf_release(&value);
	}
	from_release(&list);
}

UNIT_MAIN(cmocka_unit_test(test_cases), cmocka_unit_test(test_several_fields),
    cmocka_unit_test(test_length_and_nul), cmocka_unit_test(test_cap), cmocka_unit_test(test_told),
    cmocka_unit_test(test_long_address), cmocka_unit_test(test_padded),
    cmocka_unit_test(test_costly), cmocka_unit_test(test_looked), cmocka_unit_test(test_linear))
