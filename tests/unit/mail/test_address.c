/* SPDX-License-Identifier: ISC */
/* Envelope addresses, read as Postfix reads them. */
#include "tests/unit/unit.h"

#include "mail/address/address.h"

#define ORIGIN "origin.example"

/* The results with $myorigin known. domain NULL: none. */
static const struct {
	const char *name, *input, *want, *domain;
} envelope_cases[] = {
    {"plain", "<user@example.com>", "user@example.com", "example.com"},
    {"without brackets", "user@example.com", "user@example.com", "example.com"},
    {"case of the local part is kept", "<User@EXAMPLE.Com>", "User@example.com", "example.com"},
    {"null sender", "<>", "", NULL},
    {"null sender of sendmail(1)", "", "", NULL},
    {"null sender, absent", NULL, "", NULL},
    {"null sender in quotes", "<\"\">", "", NULL},
    {"null sender as a comment", "<(nobody)>", "", NULL},
    {"null sender as a lone @", "<@>", "", NULL},
    {"null sender as an empty route", "<@a.example:>", "", NULL},
    {"null sender twice in brackets", "<<>>", "", NULL},
    {"source route", "<@a,@b:user@c.example>", "user@c.example", "c.example"},
    {"source route of one", "<@a.example:user@c.example>", "user@c.example", "c.example"},
    {"source route behind a blank", "< @a.example:user@c.example>", "user@c.example", "c.example"},
    {"two source routes", "<@a.example:@b.example:user@c.example>", "user@c.example", "c.example"},
    {"no user", "<@example.com>", "@example.com", "example.com"},
    {"quoted local part", "<\"a b\"@example.com>", "a b@example.com", "example.com"},
    {"quoted @", "<\"a@b.example\"@c.example>", "a@b.example@c.example", "c.example"},
    {"escaped quotes", "<\"a\\\"b\\\\c\"@example.com>", "a\"b\\c@example.com", "example.com"},
    {"escaped quote and @", "<\"a\\\"@b.example\"@c.example>", "a\"@b.example@c.example",
	"c.example"},
    {"quoted >", "<\"a>b\"@example.com>", "a>b@example.com", "example.com"},
    {"backslash in an atom", "<a\\@b@example.com>", "a@b@example.com", "example.com"},
    {"quoted whole address", "<\"user@example.com\">", "user@example.com", "example.com"},
    {"two unquoted @", "<a@b.example@c.example>", "a@b.example@c.example", "c.example"},
    {"comment behind", "<user@example.com (x@y)>", "user@example.com", "example.com"},
    {"comment in front", "(c)user@example.com", "user@example.com", "example.com"},
    {"comment inside", "<user(x@y.example)@(z)example(w).com>", "user@example.com", "example.com"},
    {"nested comment", "<user@example.com(a(b\\)@c)d)>", "user@example.com", "example.com"},
    {"unclosed comment", "<user@example.com(.evil.test>", "user@example.com", "example.com"},
    {"phrase", "Foo<user@example.com>", "user@example.com", "example.com"},
    {"phrase with an address", "a@b.example<user@example.com>", "user@example.com", "example.com"},
    {"two pairs of brackets", "<<user@example.com>>", "user@example.com", "example.com"},
    {"one bracket too many", "<user@example.com>>", "user@example.com", "example.com"},
    {"bracket missing in front", "user@example.com>", "user@example.com", "example.com"},
    {"bracket missing behind", "<user@example.com", "<user@example.com", "example.com"},
    {"> inside brackets", "Foo<u>ser@example.com>", "u>ser@example.com", "example.com"},
    {"> for a @", "x<a>b@c.example>", "a>b@c.example", "c.example"},
    {"route behind a phrase", "x<@a.example,@b.example:user@c.example>", "user@c.example",
	"c.example"},
    {"route that is no route", "x@a.example,@b.example:user@c.example>",
	"x@a.example,@b.example:user@c.example", "c.example"},
    {"group", "<x@a.example:user@c.example;>", "user@c.example", "c.example"},
    {"group with a bang", "<x@a.example:c.example!user;>", "user@c.example", "c.example"},
    {"group behind brackets", "<u@a.example>x:user;", "user@" ORIGIN, ORIGIN},
    {"semicolon in brackets", "x<us;er@c.example>", "us;er@c.example", "c.example"},
    {"quoted route", "<\"@a:b\"@c.example>", "b@c.example", "c.example"},
    {"route behind a route, nothing else", "<@a:@:>", "@" ORIGIN, ORIGIN},
    {"comma behind", "<user@example.com,>", "user@example.com", "example.com"},
    {"comma in front", "<,user@example.com>", "user@example.com", "example.com"},
    {"comma behind a bare user", "<user,>", "user@" ORIGIN, ORIGIN},
    {"semicolon behind", "<user@example.com;>", "user@example.com", "example.com"},
    {"colon in the local part", "<x:user@example.com>", "x:user@example.com", "example.com"},
    {"white space", " < user @ example . com > ", "user@example.com", "example.com"},
    {"folded", "<user@\r\n\texample.com>", "user@example.com", "example.com"},
    {"unqualified", "<root>", "root@" ORIGIN, ORIGIN},
    {"unqualified without brackets", "root", "root@" ORIGIN, ORIGIN},
    {"unqualified and quoted", "<\"a b\">", "a b@" ORIGIN, ORIGIN},
    {"percent", "<user%example.com>", "user@example.com", "example.com"},
    {"percent, the last one", "<user%a.example%b.example>", "user%a.example@b.example",
	"b.example"},
    {"percent beside @", "<user%a.example@b.example>", "user%a.example@b.example", "b.example"},
    {"percent in quotes", "<\"user%example.com\">", "user@example.com", "example.com"},
    {"percent in quotes that are needed", "<\"a b%example.com\">", "a b%example.com@" ORIGIN,
	ORIGIN},
    {"bang", "<example.com!user>", "user@example.com", "example.com"},
    {"bang, the first one", "<a.example!b.example!user>", "b.example!user@a.example", "a.example"},
    {"bang before percent", "<a.example!user%b.example>", "user%b.example@a.example", "a.example"},
    {"bang beside @", "<a.example!user@b.example>", "a.example!user@b.example", "b.example"},
    {"bang in quotes that are needed", "<\"a.example!u v\">", "a.example!u v@" ORIGIN, ORIGIN},
    {"bang, domain with a dot", "<example.com.!user>", "user@example.com", "example.com"},
    {"bang with two dots in a row", "<a..example!user>", "a..example!user@" ORIGIN, ORIGIN},
    {"trailing dot", "<user@example.com.>", "user@example.com", "example.com"},
    {"two trailing dots", "<user@example.com..>", "user@example.com", "example.com"},
    {"zero width space", "<user@exam\xe2\x80\x8bple.com>", "user@example.com", "example.com"},
    {"zero width joiner", "<user@example.com\xe2\x80\x8d>", "user@example.com", "example.com"},
    {"soft hyphen",
	"<user@\xc2\xad"
	"example.com>",
	"user@example.com", "example.com"},
    {"no-break space", "<user@example.com\xc2\xa0>", "user@example.com", "example.com"},
    {"lone dot", "<user@.>", "user@.", "."},
    {"no domain", "<user@>", "user", NULL},
    {"no domain, @ in the local part", "<\"a@b\"@>", "a@b@", NULL},
    {"IPv4 literal", "<user@[192.0.2.1]>", "user@[192.0.2.1]", "[192.0.2.1]"},
    {"IPv6 literal", "<user@[IPv6:2001:db8::1]>", "user@[ipv6:2001:db8::1]", "[ipv6:2001:db8::1]"},
    {"literal with white space", "<user@[192.0.2.1] >", "user@[192.0.2.1]", "[192.0.2.1]"},
    {"unclosed literal", "<user@[192.0.2.1>", "user@[192.0.2.1]", "[192.0.2.1]"},
    {"literal with a quoted pair", "<user@[192.0\\.2.1]>", "user@[192.0.2.1]", "[192.0.2.1]"},
    {"unclosed quote", "<\"user@example.com>", "user@example.com", "example.com"},
    {"U-label",
	"<user@b\xc3\xbc"
	"cher.example>",
	"user@xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"not UTF-8",
	"<us\xfc"
	"er@b\xfc"
	"cher.Example>",
	"us\xfc"
	"er@b\xfc"
	"cher.example",
	"b\xfc"
	"cher.example"},
    {"look-alike", "<user@badexample.com>", "user@badexample.com", "badexample.com"},
    {"look-alike in front", "<user@example.com.evil.test>", "user@example.com.evil.test",
	"example.com.evil.test"},
    {"quoted domain", "<user@\"example\".com>", "user@example.com", "example.com"},
    {"quoted blank in the domain", "<user@\" \"example.com>", "user@example.com", "example.com"},
    {"quoted backslash in the domain", "<user@exa\\\\mple.com>", "user@example.com", "example.com"},
    {"quoted quote in the domain", "<user@\\\"example\\\".com>", "user@example.com", "example.com"},
    {"escape in the domain", "<user@exa\\<mple.com>", "user@exa<mple.com", "exa<mple.com"},
    {"two addresses", "<a@b.example,c@d.example>", "c@d.example", "d.example"},
    {"word and address", "<a,c@d.example>", "c@d.example", "d.example"},
    {"lone bracket", "<", "<@" ORIGIN, ORIGIN},
    {"closing bracket", ">", "", NULL},
    {"lone backslash", "\\", "", NULL},
    {"backslash at the end", "<user@example.com\\>", "user@example.com", "example.com"},
    {"backslash at the end of a quote", "<\"user@example.com\\>", "user@example.com",
	"example.com"},
};

static void assert_address(const char *name, const struct address *got, const char *want)
{
	const char *at = strrchr(want, '@');
	struct address again;

	case_assert_text(name, got->text, want);
	case_assert(name, !got->cut);
	case_assert(name, got->local_len == (at ? (size_t)(at - want) : strlen(want)));
	address_split(got->text, &again);
	case_assert_text(name, again.text, got->text);
	case_assert(name, address_same(got->text, again.text));
	case_assert(name, !again.cut);
}

static void test_envelope(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(envelope_cases); i++) {
		const char *name = envelope_cases[i].name, *domain = envelope_cases[i].domain;
		struct address got;

		address_envelope(envelope_cases[i].input, ORIGIN, &got);
		assert_address(name, &got, envelope_cases[i].want);
		case_assert_text(name, got.domain.text, domain ? domain : "");
		if (!domain)
			case_assert(
			    name, got.domain.kind == (got.text[0] ? DOMAIN_NONE : DOMAIN_NULL));
	}
}

static const struct {
	const char *name, *input, *origin, *want;
	enum domain_kind kind;
} origin_cases[] = {
    {"none", "<root>", NULL, "root", DOMAIN_NONE},
    {"empty", "<root>", "", "root", DOMAIN_NONE},
    {"none needed", "<a%b.example>", NULL, "a@b.example", DOMAIN_NAME},
    {"upper case", "<root>", "Origin.Example", "root@origin.example", DOMAIN_NAME},
    {"not for the null sender", "<>", ORIGIN, "", DOMAIN_NULL},
    {"not for a broken address", "<user@>", ORIGIN, "user", DOMAIN_NONE},
};

static void test_origin(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(origin_cases); i++) {
		const char *name = origin_cases[i].name;
		struct address got;

		address_envelope(origin_cases[i].input, origin_cases[i].origin, &got);
		assert_address(name, &got, origin_cases[i].want);
		case_assert(name, got.domain.kind == origin_cases[i].kind);
	}
}

static const struct {
	const char *name, *front, *unit, *behind; /* unit is repeated 3000 times */
	const char *domain;                       /* NULL: not checked */
} long_cases[] = {
    {"local part", "<", "a", "@example.com>", "example.com"},
    {"quoted local part", "<\"", "\\@", "\"@example.com>", "example.com"},
    {"local part before a percent", "<", "a", "%example.com>", "example.com"},
    {"local part behind a bang", "<example.com!", "a", ">", "example.com"},
    {"unqualified", "<", "a", ">", ORIGIN},
    {"domain", "<user@", "a.", "example.com>", NULL},
    {"domain of ats", "<user", "@", "example.com>", "example.com"},
    {"source route", "<@a", ",@a", ":user@example.com>", NULL},
    {"open comments", "<user@example.com", "(", ">", NULL},
    {"open brackets", "", "<", "user@example.com>", "example.com"},
    {"more specials than are kept", "<a@b.example", ";:", ",user@example.com>", NULL},
    {"commas", "", "a,", "user@example.com", NULL},
};

static char *long_argument(size_t i)
{
	size_t unit = strlen(long_cases[i].unit), front = strlen(long_cases[i].front);
	char *text = malloc(front + 3000 * unit + strlen(long_cases[i].behind) + 1);

	assert_non_null(text);
	memcpy(text, long_cases[i].front, front);
	for (size_t n = 0; n < 3000; n++)
		memcpy(text + front + n * unit, long_cases[i].unit, unit);
	memcpy(text + front + 3000 * unit, long_cases[i].behind, strlen(long_cases[i].behind) + 1);
	return text;
}

static void test_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(long_cases); i++) {
		const char *name = long_cases[i].name, *domain = long_cases[i].domain;
		char *argument = long_argument(i);
		struct domain parent;
		struct address got, again;

		address_envelope(argument, ORIGIN, &got);
		address_split(got.text, &again);
		case_assert_text(name, again.text, got.text);
		case_assert(name, address_same(again.text, got.text));
		if (domain) {
			case_assert(name, got.cut);
			case_assert_text(name, got.domain.text, domain);
		} else if (!got.cut) {
			case_assert_text(name, got.text, "user@example.com");
		} else {
			domain_normal("example.com", 11, &parent);
			case_assert(name, domain_below(&got.domain, &parent));
		}
		free(argument);
	}
}

static const struct {
	const char *name, *input, *want;
	size_t local_len;
} split_cases[] = {
    {"plain", "user@example.com", "user@example.com", 4},
    {"null sender", "", "", 0},
    {"no domain", "root", "root", 4},
    {"two @", "a@b@c.example", "a@b@c.example", 3},
    {"quotes are bytes", "\"a\"@c.example", "\"a\"@c.example", 3},
    {"brackets are bytes", "<a>@c.example", "<a>@c.example", 3},
    {"no local part", "@c.example", "@c.example", 0},
    {"domain not yet normal", "a@C.Example.", "a@c.example", 1},
};

static void test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(split_cases); i++) {
		struct address got;

		address_split(split_cases[i].input, &got);
		case_assert_text(split_cases[i].name, got.text, split_cases[i].want);
		case_assert(split_cases[i].name, got.local_len == split_cases[i].local_len);
	}
}

static const struct {
	const char *name, *a, *b;
	bool want;
} equal_cases[] = {
    {"same", "user@example.com", "user@example.com", true},
    {"case of the local part", "User@example.com", "uSER@example.com", true},
    {"other domain", "user@example.com", "user@example.net", false},
    {"other user", "user@example.com", "usex@example.com", false},
    {"longer user", "user@example.com", "user1@example.com", false},
    {"case of other bytes", "\xc3\x9c@example.com", "\xc3\xbc@example.com", false},
    {"null sender", "", "", true},
    {"null sender and no domain", "", "root", false},
    {"with and without domain", "root", "root@example.com", false},
};

static void test_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(equal_cases); i++) {
		struct address a, b;

		address_split(equal_cases[i].a, &a);
		address_split(equal_cases[i].b, &b);
		case_assert(
		    equal_cases[i].name, address_same(a.text, b.text) == equal_cases[i].want);
	}
}

static void test_build(void **state)
{
	struct address got;

	(void)state;
	address_build("user", 4, "a@EXAMPLE.com", 13, &got);
	assert_string_equal(got.text, "user@example.com");
	assert_true(got.cut);
	address_build("us\0er", 5, "example.com", 11, &got);
	assert_string_equal(got.text, "us?er@example.com");
	address_build("", 0, "", 0, &got);
	assert_string_equal(got.text, "");
	assert_int_equal(got.domain.kind, DOMAIN_NULL);
}

/* As smtpd writes it for a policy service: without quotes, not rewritten. */
static void test_unquoted(void **state)
{
	static const struct {
		const char *name, *input, *want;
	} cases[] = {
	    {"plain", "User@Example.COM", "User@example.com"},
	    {"null sender", "", ""},
	    {"no domain", "root", "root@" ORIGIN},
	    {"blanks", "a  b@c.example", "a  b@c.example"},
	    {"blanks, no domain", "a b", "a b@" ORIGIN},
	    {"quote and backslash", "a\"b\\c@d.example", "a\"b\\c@d.example"},
	    {"brackets", "<a>@c.example", "<a>@c.example"},
	    {"comment signs", "a(b)c@d.example", "a(b)c@d.example"},
	    {"comma and colon", "a,b:c;d@e.example", "a,b:c;d@e.example"},
	    {"two @", "a@b.example@c.example", "a@b.example@c.example"},
	    {"route", "@a,@b:user@c.example", "user@c.example"},
	    {"bang", "a!b", "b@a"},
	    {"percent", "a%b", "a@b"},
	    {"domain in brackets", "a@[192.0.2.1]", "a@[192.0.2.1]"},
	    {"no user", "@example.com", "@example.com"},
	    {"byte of no ASCII", "\xc3\xa9 x@c.example", "\xc3\xa9 x@c.example"},
	};
	struct address a;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		address_unquoted(cases[i].input, ORIGIN, &a);
		case_assert_text(cases[i].name, a.text, cases[i].want);
	}
	/* The normal form of an argument is the same address when read as unquoted. */
	for (size_t i = 0; i < COUNT_OF(envelope_cases); i++) {
		address_unquoted(envelope_cases[i].want, NULL, &a);
		case_assert_text(envelope_cases[i].name, a.text, envelope_cases[i].want);
	}
}

UNIT_MAIN(cmocka_unit_test(test_unquoted), cmocka_unit_test(test_envelope),
    cmocka_unit_test(test_origin), cmocka_unit_test(test_long), cmocka_unit_test(test_split),
    cmocka_unit_test(test_equal), cmocka_unit_test(test_build))
