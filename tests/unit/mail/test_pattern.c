/* SPDX-License-Identifier: ISC */
/* Patterns: matches and their cost. Reading them: test_pattern_parse.c. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "mail/selector/pattern.h"

static void parse(const char *name, const char *text, struct pattern *p)
{
	struct err err = {{0}};

	if (pattern_parse(text, p, &err) != 0)
		case_fail(name, "'%s' refused: %s", text, err.text);
}

static const struct match_row {
	const char *pattern, *address;
	int want;
} match_rows[] = {
    {"example.com", "user@example.com", 1},
    {"example.com", "user@EXAMPLE.com.", 1},
    {"example.com", "user@badexample.com", 0},
    {"example.com", "user@example.com.evil.test", 0},
    {"example.com", "user@sub.example.com", 0},
    {"example.com", "user@example.co", 0},
    {"example.com", "example.com", 0},
    {"example.com", "<>", 0},
    {"example.com", "x@y@example.com", 1},
    {"example.com", "\"x@other.test\"@example.com", 1},
    {"example.com", "\"x@example.com\"@other.test", 0},
    {"EXAMPLE.com", "user@example.com", 1},
    {"b\xc3\xbc"
     "cher.example",
	"a@xn--bcher-kva.example", 1},
    {"xn--bcher-kva.example",
	"a@B\xc3\x9c"
	"CHER.example",
	1},
    {"fa\xc3\x9f.example", "a@fass.example", 0},
    {"a.-bad.example", "u@A.-BAD.example", 1},
    {"localhost", "root@localhost", 1},
    {"localhost", "root@localhost.example", 0},
    {"localhost", "localhost", 0},
    {"[192.0.2.1]", "user@[192.0.2.1]", 1},
    {"[192.0.2.1]", "user@[192.0.2.10]", 0},
    {"[192.0.2.1]", "user@192.0.2.1", 0},
    {"[ipv6:2001:db8::1]", "user@[IPv6:2001:DB8::1]", 1},
    {".example.com", "user@sub.example.com", 1},
    {".example.com", "user@a.b.c.example.com", 1},
    {".example.com", "user@example.com", 0},
    {".example.com", "user@badexample.com", 0},
    {".example.com", "user@sub.example.com.evil.test", 0},
    {".example.com", "user@subexample.com", 0},
    {".example.com", "user@-.example.com", 1},
    {".com", "user@example.com", 1},
    {".com", "user@com", 0},
    {".1", "user@[192.0.2.1]", 0},
    {"user@example.com", "user@example.com", 1},
    {"user@example.com", "USER@EXAMPLE.COM", 1},
    {"User@example.com", "user@example.com", 1},
    {"user@example.com", "user1@example.com", 0},
    {"user@example.com", "auser@example.com", 0},
    {"user1@example.com", "user@example.com", 0},
    {"user@example.com", "user@sub.example.com", 0},
    {"user@example.com", "\"user\"@example.com", 1},
    {"\"a b\"@example.com", "\"A B\"@example.com", 1},
    {"\"\"@example.com", "user@example.com", 0},
    {"user@[192.0.2.1]", "user@[192.0.2.1]", 1},
    {"user@example.com", "<>", 0},
    {"<>", "<>", 1},
    {"<>", "", 1},
    {"<>", "user@example.com", 0},
    {"<>", "root", 0},
    {"/^user@/", "user@example.com", 1},
    {"/^user@/", "USER@example.com", 0},
    {"/^user@/i", "USER@example.com", 1},
    {"/@example\\.com$/", "user@EXAMPLE.COM", 1},
    {"/@example\\.com$/", "user@sub.example.com", 0},
    {"/example/", "user@badexample.com", 1},
    {"/^<>$/", "<>", 1},
    {"/^<>$/", "a@example.com", 0},
    {"/^$/", "<>", 0},
    {"/./", "<>", 1},
    {"/^root$/", "root", 1},
    {"/(a)(b)(c)/", "abc@example.com", 1},
    {"/(?<x>a)\\k<x>/", "aa@example.com", 1},
    {"/(?<x>a)\\k<x>/", "ab@example.com", 0},
    {"/a\\/b@/", "a/b@example.com", 1},
    {"/xn--bcher-kva/",
	"a@b\xc3\xbc"
	"cher.example",
	1},
};

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(match_rows); i++) {
		const struct match_row *r = &match_rows[i];
		struct pattern_subject subject;
		struct address address, split;
		struct pattern p;

		parse(r->pattern, r->pattern, &p);
		address_envelope(r->address, NULL, &address);
		if (pattern_match(&p, &address) != r->want)
			case_fail(r->pattern, "against '%s', want %d", r->address, r->want);
		/* A stored address gives the same answer, whether split again or not. */
		address_split(address.text, &split);
		case_assert(r->pattern, pattern_match(&p, &split) == r->want);
		subject = pattern_subject_of(address.text);
		case_assert(r->pattern, pattern_match_subject(&p, &subject) == r->want);
		pattern_release(&p);
	}
}

/* A newline before the end of the subject does not count as the end. */
static void test_dollar(void **state)
{
	struct address address;
	struct pattern p;

	(void)state;
	parse("dollar", "/@example\\.com$/", &p);
	address_build("u", 1, "example.com\n", 12, &address);
	assert_int_equal(pattern_match(&p, &address), 0);
	address_build("u", 1, "example.com", 11, &address);
	assert_int_equal(pattern_match(&p, &address), 1);
	pattern_release(&p);
}

/* On plain text the pattern agrees with domain_below on domains. */
static void test_below_agrees(void **state)
{
	static const char *const domains[] = {"example.com", "sub.example.com", "a.b.example.com",
	    "badexample.com", "example.com.evil.test", "com", ".example.com", "a..example.com",
	    "example.com..", "[192.0.2.1]", "[x.example.com", "x].example.com", "-bad.example.com",
	    "xn--a.example.com", "example", "e.example", "*x.example.com", "\xff.example.com"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(domains); i++) {
		struct pattern_subject subject;
		struct address address;
		struct pattern p;

		address_build("u", 1, domains[i], strlen(domains[i]), &address);
		subject = pattern_subject_of(address.text);
		parse(domains[i], ".example.com", &p);
		case_assert(domains[i], pattern_match_subject(&p, &subject) ==
					    domain_below(&address.domain, &p.address.domain));
		pattern_release(&p);
		parse(domains[i], "example.com", &p);
		case_assert(domains[i], pattern_match_subject(&p, &subject) ==
					    domain_equal(&address.domain, &p.address.domain));
		pattern_release(&p);
	}
}

static void test_within(void **state)
{
	static const struct {
		const char *pattern, *address;
		int want;
		enum pattern_kind kind;
	} rows[] = {
	    {"example.com", "u@example.com", 1, PATTERN_WITHIN},
	    {"example.com", "u@sub.example.com", 1, PATTERN_WITHIN},
	    {"example.com", "u@badexample.com", 0, PATTERN_WITHIN},
	    {"example.com", "u@com", 0, PATTERN_WITHIN},
	    {".example.com", "u@example.com", 0, PATTERN_SUBDOMAINS},
	    {"u@example.com", "u@sub.example.com", 0, PATTERN_ADDRESS},
	    {"[192.0.2.1]", "u@[192.0.2.1]", 1, PATTERN_DOMAIN},
	    {"<>", "<>", 1, PATTERN_NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address address;
		struct pattern p;

		parse(rows[i].pattern, rows[i].pattern, &p);
		pattern_include_subdomains(&p);
		case_assert(rows[i].pattern, p.kind == rows[i].kind);
		address_envelope(rows[i].address, NULL, &address);
		if (pattern_match(&p, &address) != rows[i].want)
			case_fail(rows[i].pattern, "against '%s'", rows[i].address);
		pattern_release(&p);
	}
}

/*
 * Expressions that backtrack without bound, on 500 bytes made for them. The assertion allows a
 * hundred times the usual cost, for a busy machine. Without limits it would take years.
 */
static void test_hostile(void **state)
{
	static const char *const expressions[] = {"/(a+)+$/", "/^(a|a)*$/i", "/(?:a|aa)+$/",
	    "/([a-z]+)*@example\\.net$/", "/(x+x+)+y/", "/(.*)*(.*)*(.*)*!/", "/a*a*a*a*a*b/"};
	char local[501];

	(void)state;
	memset(local, 'a', 500);
	local[500] = '\0';
	for (size_t i = 0; i < COUNT_OF(expressions); i++) {
		struct address address;
		struct pattern p;
		int64_t begun, best = INT64_MAX;

		address_build(local, 500, "example.org", 11, &address);
		parse(expressions[i], expressions[i], &p);
		for (int turn = 0; turn < 5; turn++) {
			begun = clock_steady();
			case_assert(expressions[i], pattern_match(&p, &address) != 1);
			if (clock_steady() - begun < best)
				best = clock_steady() - begun;
		}
		if (best > 20000)
			case_fail(expressions[i], "took %lld us", (long long)best);
		pattern_release(&p);
	}
}

/* Reaching a limit is not the same as no match. */
static void test_limit(void **state)
{
	char local[401];
	struct address address;
	struct pattern p;

	(void)state;
	memset(local, 'a', 400);
	local[400] = '\0';
	address_build(local, 400, "example.org", 11, &address);
	parse("limit", "/^(a+)+$/", &p);
	assert_int_equal(pattern_match(&p, &address), ERR_LIMIT);
	address_build("aaaa", 4, "example.org", 11, &address);
	assert_int_equal(pattern_match(&p, &address), 0);
	pattern_release(&p);
}

UNIT_MAIN(cmocka_unit_test(test_match), cmocka_unit_test(test_dollar),
    cmocka_unit_test(test_below_agrees), cmocka_unit_test(test_within),
    cmocka_unit_test(test_hostile), cmocka_unit_test(test_limit))
