/* SPDX-License-Identifier: ISC */
/* Reading patterns: accepted ones and their spelling, refused ones and their errors. */
#include "tests/unit/unit.h"

#include "mail/selector/pattern.h"

static void parse(const char *name, const char *text, struct pattern *p)
{
	struct err err = {{0}};

	if (pattern_parse(text, p, &err) != 0)
		case_fail(name, "'%s' refused: %s", text, err.text);
}

static void test_accepted(void **state)
{
	static const struct {
		const char *name, *text, *canonical;
		enum pattern_kind kind;
	} rows[] = {
	    {"domain", "example.com", "example.com", PATTERN_DOMAIN},
	    {"upper case", "Example.COM", "example.com", PATTERN_DOMAIN},
	    {"trailing dot", "example.com.", "example.com", PATTERN_DOMAIN},
	    {"single label", "localhost", "localhost", PATTERN_DOMAIN},
	    {"U-label",
		"b\xc3\xbc"
		"cher.example",
		"xn--bcher-kva.example", PATTERN_DOMAIN},
	    {"U-label upper case",
		"B\xc3\x9c"
		"CHER.example",
		"xn--bcher-kva.example", PATTERN_DOMAIN},
	    {"underscore", "_spf.example.com", "_spf.example.com", PATTERN_DOMAIN},
	    {"raw inside", "a.-bad.example", "a.-bad.example", PATTERN_DOMAIN},
	    {"no name behind the mapping", "\xef\xbc\x8a.example", "\xef\xbc\x8a.example",
		PATTERN_DOMAIN},
	    {"bad punycode", "xn--a.example", "xn--a.example", PATTERN_DOMAIN},
	    {"literal", "[192.0.2.1]", "[192.0.2.1]", PATTERN_DOMAIN},
	    {"IPv6 literal", "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]", PATTERN_DOMAIN},
	    {"subdomains", ".Example.com", ".example.com", PATTERN_SUBDOMAINS},
	    {"subdomains of a top level", ".test", ".test", PATTERN_SUBDOMAINS},
	    {"subdomains, trailing dot", ".example.com.", ".example.com", PATTERN_SUBDOMAINS},
	    {"address", "User@Example.com", "user@example.com", PATTERN_ADDRESS},
	    {"address in a single label", "root@localhost", "root@localhost", PATTERN_ADDRESS},
	    {"address at a literal", "user@[192.0.2.1]", "user@[192.0.2.1]", PATTERN_ADDRESS},
	    {"address at a numeric domain", "user@192.0.2.1", "user@192.0.2.1", PATTERN_ADDRESS},
	    {"two at signs", "a@b@example.com", "a@b@example.com", PATTERN_ADDRESS},
	    {"needless quotes", "\"user\"@example.com", "user@example.com", PATTERN_ADDRESS},
	    {"quoted blank", "\"John Doe\"@example.com", "\"john doe\"@example.com",
		PATTERN_ADDRESS},
	    {"quoted at sign", "\"a@b\"@example.com", "a@b@example.com", PATTERN_ADDRESS},
	    {"quoted quote", "\"a\\\"b\\\\c\"@example.com", "\"a\\\"b\\\\c\"@example.com",
		PATTERN_ADDRESS},
	    {"empty quotes", "\"\"@example.com", "\"\"@example.com", PATTERN_ADDRESS},
	    {"quoted star", "\"*\"@example.com", "\"*\"@example.com", PATTERN_ADDRESS},
	    {"star within", "a*b@example.com", "a*b@example.com", PATTERN_ADDRESS},
	    {"quoted slash", "\"/etc\"@example.com", "\"/etc\"@example.com", PATTERN_ADDRESS},
	    {"quoted colon", "\"login:x\"@example.com", "\"login:x\"@example.com", PATTERN_ADDRESS},
	    {"quoted hash", "\"#x\"@example.com", "\"#x\"@example.com", PATTERN_ADDRESS},
	    {"leading dash in an address", "-x@example.com", "-x@example.com", PATTERN_ADDRESS},
	    {"local part in UTF-8", "j\xc3\xb6rg@example.com", "j\xc3\xb6rg@example.com",
		PATTERN_ADDRESS},
	    {"null sender", "<>", "<>", PATTERN_NULL},
	    {"expression", "/^Bounce-/", "/^Bounce-/", PATTERN_REGEX},
	    {"expression with flag", "/spam/i", "/spam/i", PATTERN_REGEX},
	    {"expression with blanks", "/a b/", "/a b/", PATTERN_REGEX},
	    {"expression with a slash", "/a\\/b/", "/a\\/b/", PATTERN_REGEX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct strbuf spelling = {0};
		struct pattern p, again;

		parse(rows[i].name, rows[i].text, &p);
		case_assert(rows[i].name, p.kind == rows[i].kind);
		case_assert_text(rows[i].name, p.text, rows[i].text);
		pattern_canonical(&p, &spelling);
		case_assert_text(rows[i].name, strbuf_text(&spelling), rows[i].canonical);
		/* The spelling is read back to the same pattern. */
		parse(rows[i].name, strbuf_text(&spelling), &again);
		case_assert(rows[i].name, again.kind == p.kind);
		strbuf_clear(&spelling);
		pattern_canonical(&again, &spelling);
		case_assert_text(rows[i].name, strbuf_text(&spelling), rows[i].canonical);
		case_assert(rows[i].name, pattern_span(rows[i].text) == strlen(rows[i].text));
		pattern_release(&again);
		pattern_release(&p);
		strbuf_release(&spelling);
	}
}

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static void test_refused(void **state)
{
	static const struct {
		const char *name, *text, *words;
	} rows[] = {
	    {"empty", "", "empty pattern"},
	    {"blank", "example .com", "blank"},
	    {"leading blank", " example.com", "blank"},
	    {"trailing blank", "example.com ", "blank"},
	    {"tab", "example.com\t", "control character"},
	    {"newline", "example.com\n", "control character"},
	    {"DEL", "a\x7f.example", "control character"},
	    {"control character in quotes", "\"a\x01\"@example.com", "control character"},
	    {"control character in an expression", "/a\n/", "control character"},
	    {"empty label", "a..b", "empty label"},
	    {"dot", ".", "empty label"},
	    {"two dots", "..", "empty label"},
	    {"two leading dots", "..example.com", "empty label"},
	    {"two trailing dots", "example.com..", "empty label"},
	    {"long label", X60 "xxxx.example", "longer than 63"},
	    {"long label of a subdomain", "." X60 "xxxx.example", "longer than 63"},
	    {"long name", X60 "." X60 "." X60 "." X60 "." X10, "longer than 253"},
	    {"very long name", X60 "." X60 "." X60 "." X60 "." X60 "." X60, "longer than 253"},
	    {"leading dash", "-example.com", "begins with '-'"},
	    {"option", "--block", "begins with '-'"},
	    {"negation", "!example.com", "begins with '!'"},
	    {"address before a joiner", "192.0.2.0\xe2\x80\x8c", "is the address of a client"},
	    {"dash behind a joiner", "\xe2\x80\x8c--b+c.example", "begins with '-'"},
	    {"at sign in front", "@example.com", "write example.com"},
	    {"star for all", "*@example.com", "write example.com"},
	    {"wildcard", "*.example.com", "write .example.com"},
	    {"wildcard inside", "ex*mple.com", "no wildcards"},
	    {"address in subdomains", "user@.example.com", "write .example.com"},
	    {"no domain", "user@", "no domain"},
	    {"at sign alone", "@", "no domain"},
	    {"angle brackets", "<user@example.com>", "without < and >"},
	    {"angle brackets around a domain", "<example.com>", "'<' in domain"},
	    {"list", "example.com,example.org", "one pattern at a time"},
	    {"list of addresses", "a@example.com,b@example.org", "',' in the local part"},
	    {"list behind an address", "a@example.com;", "one pattern at a time"},
	    {"client", "192.0.2.1", "address of a client"},
	    {"client network", "192.0.2.0/24", "address of a client"},
	    {"IPv6 client", "2001:db8::1", "address of a client"},
	    {"slash", "example.com/24", "'/' in domain"},
	    {"colon", "login:bob", "':' in domain"},
	    {"parenthesis", "example.com(x)", "'(' in domain"},
	    {"quote inside", "a\"b@example.com", "'\"' in the local part"},
	    {"open quote", "\"ab@example.com", "not closed"},
	    {"quotes alone", "\"ab\"", "no '@'"},
	    {"text behind quotes", "\"ab\"c@example.com", "no '@'"},
	    {"open literal", "[192.0.2.1", "not an address literal"},
	    {"empty literal", "[]", "not an address literal"},
	    {"text behind a literal", "[192.0.2.1].example", "not an address literal"},
	    {"bracket in a name", "a[1].example", "'[' in domain"},
	    {"subdomains of a literal", ".[192.0.2.1]", "no subdomains"},
	    {"open expression", "/abc", "not closed"},
	    {"slash alone", "/", "not closed"},
	    {"escaped end", "/abc\\/", "not closed"},
	    {"empty expression", "//", "empty expression"},
	    {"unknown flag", "/abc/x", "unknown flag 'x'"},
	    {"path", "/var/mail", "unknown flag 'm'"},
	    {"open group", "/a(b/", "missing closing parenthesis"},
	    {"open class", "/[a/", "missing terminating ]"},
	    {"group without a name", "/(a)\\1/", "non-existent"},
	    {"UTF", "/(*UTF)a/", "bad expression"},
	    {"UCP", "/(*UCP)a/", "bad expression"},
	    {"any byte", "/\\C/", "bad expression"},
	    {"endless recursion", "/(?R)/", "cannot be matched"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = {{0}};
		struct pattern p;
		int rc = pattern_parse(rows[i].text, &p, &err);

		if (rc != ERR_SYNTAX)
			case_fail(rows[i].name, "'%s' gave %d", rows[i].text, rc);
		if (!strstr(err.text, rows[i].words))
			case_fail(rows[i].name, "'%s' lacks '%s'", err.text, rows[i].words);
		case_assert(rows[i].name, pattern_parse(rows[i].text, &p, NULL) == ERR_SYNTAX);
	}
}

static void test_long(void **state)
{
	char text[2 * PATTERN_REGEX_MAX];
	struct pattern p;
	struct err err;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	snprintf(text + PATTERN_REGEX_MAX, 8, "/");
	parse("longest expression", text, &p);
	pattern_release(&p);
	memset(text + 1, 'a', sizeof(text) - 1);
	snprintf(text + PATTERN_REGEX_MAX + 1, 8, "/");
	assert_int_equal(pattern_parse(text, &p, &err), ERR_SYNTAX);
	memset(text, 'a', sizeof(text));
	snprintf(text + ADDRESS_LOCAL_MAX, 32, "@example.com");
	parse("longest local part", text, &p);
	assert_int_equal(p.address.local_len, ADDRESS_LOCAL_MAX);
	pattern_release(&p);
	text[ADDRESS_LOCAL_MAX] = 'a';
	snprintf(text + ADDRESS_LOCAL_MAX + 1, 32, "@example.com");
	assert_int_equal(pattern_parse(text, &p, &err), ERR_SYNTAX);
	assert_non_null(strstr(err.text, "longer than 512"));
	text[0] = '"';
	snprintf(text + ADDRESS_LOCAL_MAX + 2, 32, "\"@example.com");
	assert_int_equal(pattern_parse(text, &p, &err), ERR_SYNTAX);
	assert_non_null(strstr(err.text, "longer than 512"));
}

static void test_span(void **state)
{
	static const struct {
		const char *name, *line;
		size_t want;
	} rows[] = {
	    {"word", "example.com REJECT", 11},
	    {"tab", "a.b\tOK", 3},
	    {"expression with a blank", "/a b/i REJECT", 6},
	    {"expression with an escape", "/a\\/ b/ OK", 7},
	    {"open expression", "/a b REJECT", 11},
	    {"quoted", "\"a b\"@example.com OK", 17},
	    {"open quote", "\"a b OK", 7},
	    {"nothing", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		case_assert(rows[i].name, pattern_span(rows[i].line) == rows[i].want);
}

static void test_looks_like(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} rows[] = {{"example.com", true}, {".com", true}, {"a@b", true}, {"/x/", true},
	    {"[::1]", true}, {"<>", true}, {"purge", false}, {"", false}, {"<", false},
	    {"-n", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		case_assert(rows[i].word, pattern_looks_like(rows[i].word) == rows[i].want);
}

static void test_release(void **state)
{
	struct pattern p = {0};

	(void)state;
	pattern_release(&p);
	parse("release", "/a/", &p);
	pattern_release(&p);
	assert_null(p.text);
	assert_null(p.regex);
	pattern_release(&p);
}

UNIT_MAIN(cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
    cmocka_unit_test(test_long), cmocka_unit_test(test_span), cmocka_unit_test(test_looks_like),
    cmocka_unit_test(test_release))
