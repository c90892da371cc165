/* SPDX-License-Identifier: ISC */
/* One rule: lines and parts read and refused, copies, expiry, notes, the reply. */
#include "tests/unit/unit.h"

#include "rules/rule.h"

#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X400 X100 X100 X100 X100

static const struct line_case {
	const char *name, *line, *subject, *key;
	enum rule_kind kind;
	enum rule_action action;
	const char *status, *text;
} line_cases[] = {
    {"domain", "example.com REJECT", "example.com", "example.com", RULE_PATTERN, RULE_REJECT, "",
	""},
    {"normal form", "Example.COM. reject", "example.com", "example.com", RULE_PATTERN, RULE_REJECT,
	"", ""},
    {"U-label",
	"b\xc3\xbc"
	"cher.example OK",
	"xn--bcher-kva.example", "xn--bcher-kva.example", RULE_PATTERN, RULE_OK, "", ""},
    {"subdomains", ".example.com HOLD", ".example.com", "example.com", RULE_PATTERN, RULE_HOLD, "",
	""},
    {"address", "User@Example.com DISCARD", "user@example.com", "user@example.com", RULE_PATTERN,
	RULE_DISCARD, "", ""},
    {"quoted address", "\"A b\"@example.com WARN", "\"a b\"@example.com", "a b@example.com",
	RULE_PATTERN, RULE_WARN, "", ""},
    {"literal", "[192.0.2.1] OK", "[192.0.2.1]", "[192.0.2.1]", RULE_PATTERN, RULE_OK, "", ""},
    {"null sender", "<> HOLD", "<>", "", RULE_PATTERN, RULE_HOLD, "", ""},
    {"expression", "/^A b/i DEFER", "/^A b/i", "", RULE_PATTERN, RULE_DEFER, "", ""},
    {"login", "login:Bob@Example.com OK", "login:Bob@Example.com", "Bob@Example.com", RULE_LOGIN,
	RULE_OK, "", ""},
    {"login with blanks", "login:\"A \\\"b\\\\\" REJECT x", "login:\"A \\\"b\\\\\"", "A \"b\\",
	RULE_LOGIN, RULE_REJECT, "", "x"},
    {"login in quotes for nothing", "login:\"bob\" OK", "login:bob", "bob", RULE_LOGIN, RULE_OK, "",
	""},
    {"login with a backslash", "login:DOM\\bob OK", "login:DOM\\bob", "DOM\\bob", RULE_LOGIN,
	RULE_OK, "", ""},
    {"login that begins with @", "login:\"@bob\" OK", "login:\"@bob\"", "@bob", RULE_LOGIN, RULE_OK,
	"", ""},
    {"all logins of a domain", "login:@Example.COM. OK", "login:@example.com", "example.com",
	RULE_LOGIN, RULE_OK, "", ""},
    {"expression for logins", "login:/^a b\\/c/i REJECT x", "login:/^a b\\/c/i", "", RULE_LOGIN,
	RULE_REJECT, "", "x"},
    {"client", "client:192.0.2.1 OK", "client:192.0.2.1", "", RULE_CLIENT, RULE_OK, "", ""},
    {"client with all bits", "client:192.0.2.1/32 OK", "client:192.0.2.1", "", RULE_CLIENT, RULE_OK,
	"", ""},
    {"network", "client:192.0.2.0/24 OK", "client:192.0.2.0/24", "", RULE_CLIENT, RULE_OK, "", ""},
    {"every IPv4 client", "client:0.0.0.0/0 WARN", "client:0.0.0.0/0", "", RULE_CLIENT, RULE_WARN,
	"", ""},
    {"IPv6 network", "client:2001:DB8:0::/32 OK", "client:2001:db8::/32", "", RULE_CLIENT, RULE_OK,
	"", ""},
    {"IPv6 host", "client:IPv6:2001:db8::1 OK", "client:2001:db8::1", "", RULE_CLIENT, RULE_OK, "",
	""},
    {"mapped host", "client:::ffff:192.0.2.1 OK", "client:192.0.2.1", "", RULE_CLIENT, RULE_OK, "",
	""},
    {"text", "example.com REJECT Go away, 100% sure ", "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "", "Go away, 100% sure"},
    {"code", "example.com REJECT 5.7.0 Go away", "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "5.7.0", "Go away"},
    {"code alone", "example.com REJECT 5.7.26", "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "5.7.26", ""},
    {"longest code", "example.com DEFER 4.999.999  later", "example.com", "example.com",
	RULE_PATTERN, RULE_DEFER, "4.999.999", "later"},
    {"too many digits are text", "example.com REJECT 5.7.1000 x", "example.com", "example.com",
	RULE_PATTERN, RULE_REJECT, "", "5.7.1000 x"},
    {"a code needs a blank", "example.com REJECT 4.7.1x", "example.com", "example.com",
	RULE_PATTERN, RULE_REJECT, "", "4.7.1x"},
    {"two parts are text", "example.com REJECT 4.7 x", "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "", "4.7 x"},
    {"a code for HOLD is text", "example.com HOLD 5.7.1 x", "example.com", "example.com",
	RULE_PATTERN, RULE_HOLD, "", "5.7.1 x"},
    {"tabs", "example.com\t \tReject\t x\t", "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "", "x"},
    {"longest text", "example.com REJECT 5.7.1 " X400, "example.com", "example.com", RULE_PATTERN,
	RULE_REJECT, "5.7.1", X400},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(line_cases); i++) {
		const struct line_case *c = &line_cases[i];
		struct err err = {{0}};
		struct rule r;

		if (rule_parse(c->line, &r, &err) != 0)
			case_fail(c->name, "refused: %s", err.text);
		case_assert_text(c->name, r.subject, c->subject);
		case_assert_text(c->name, r.key, c->key);
		case_assert(c->name, rule_kind(&r) == c->kind);
		case_assert(c->name, r.action == c->action);
		case_assert_text(c->name, r.status, c->status);
		case_assert_text(c->name, r.text, c->text);
		case_assert_text(c->name, r.reason, "");
		case_assert_text(c->name, r.author, "");
		case_assert(c->name, r.expires == 0 && r.set_time == 0 && r.hits == 0);
		case_assert(c->name, (r.regex != NULL) == (rule_kind(&r) != RULE_CLIENT &&
							      (r.class == CLASS_REGEX ||
								  r.class == CLASS_LOGIN_REGEX)));
		rule_release(&r);
		case_assert(c->name, !r.subject && !r.regex);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *line, *words;
	} rows[] = {
	    {"no action", "example.com", "no action after 'example.com'"},
	    {"no action but blanks", "example.com  ", "no action"},
	    {"unknown action", "example.com DUNNO", "unknown action 'DUNNO'"},
	    {"number for an action", "example.com 550 x", "unknown action '550'"},
	    {"action that begins alike", "example.com REJECTED", "unknown action"},
	    {"continuation", "  more REJECT", "first column"},
	    {"tab in front", "\texample.com REJECT", "first column"},
	    {"bad pattern", "exa..mple REJECT", "empty label"},
	    {"wildcard", "*.example.com REJECT", "write .example.com"},
	    {"client's address", "192.0.2.1 REJECT", "address of a client"},
	    {"bad expression", "/a(/ REJECT", "missing closing parenthesis"},
	    {"open expression", "/a b REJECT", "not closed"},
	    {"empty login", "login: OK", "no name"},
	    {"long login", "login:" X100 X100 X10 X10 X10 X10 X10 "xxxxxxx OK", "longer than 256"},
	    {"empty quoted login", "login:\"\" OK", "no name"},
	    {"login's quote is open", "login:\"bob OK", "not closed"},
	    {"more behind the quote", "login:\"bob\"x OK", "not closed"},
	    {"subdomains of a login", "login:@.example.com OK", "not a domain"},
	    {"address of a login", "login:@a@example.com OK", "not a domain"},
	    {"no domain of a login", "login:@ OK", "empty pattern"},
	    {"bad expression for logins", "login:/a(/ OK", "missing closing parenthesis"},
	    {"open expression for logins", "login:/a b OK", "not closed"},
	    {"empty client", "client: OK", "not a client address"},
	    {"client name", "client:mail.example.com OK", "not a client address"},
	    {"host bits", "client:192.0.2.1/24 OK", "not a client address"},
	    {"too many bits", "client:192.0.2.0/33 OK", "not a client address"},
	    {"class 4 for REJECT", "example.com REJECT 4.7.1 x", "4.7.1 does not fit REJECT"},
	    {"class 2 for REJECT", "example.com REJECT 2.0.0 x", "2.0.0 does not fit REJECT"},
	    {"class 5 for DEFER", "example.com DEFER 5.7.1", "5.7.1 does not fit DEFER"},
	    {"control character",
		"example.com REJECT a\x01"
		"b",
		"printable ASCII"},
	    {"carriage return", "example.com REJECT a\r", "printable ASCII"},
	    {"tab in text", "example.com REJECT a\tb", "printable ASCII"},
	    {"UTF-8 text", "example.com REJECT nicht m\xc3\xb6glich", "printable ASCII"},
	    {"DEL", "example.com HOLD a\x7f", "printable ASCII"},
	    {"long text", "example.com REJECT " X400 "x", "longer than 400"},
	    {"comment behind", "example.com REJECT # since Monday", "comment"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = {{0}};
		struct rule r;

		case_assert(rows[i].name, rule_parse(rows[i].line, &r, &err) == ERR_SYNTAX);
		if (!strstr(err.text, rows[i].words))
			case_fail(rows[i].name, "'%s' lacks '%s'", err.text, rows[i].words);
	}
}

static void test_make(void **state)
{
	struct err err = {{0}};
	struct rule r;

	(void)state;
	assert_int_equal(rule_make("Example.com", RULE_REJECT, NULL, &r, &err), 0);
	assert_string_equal(r.subject, "example.com");
	assert_string_equal(r.text, "");
	rule_release(&r);
	assert_int_equal(rule_make("login:John Doe", RULE_OK, "", &r, &err), 0);
	assert_string_equal(r.key, "John Doe");
	assert_string_equal(r.subject, "login:\"John Doe\"");
	rule_release(&r);
	assert_int_equal(rule_make("example.com", RULE_DEFER, "  4.7.0 later  ", &r, &err), 0);
	assert_string_equal(r.status, "4.7.0");
	assert_string_equal(r.text, "later");
	rule_release(&r);
	assert_int_equal(rule_make("example.com", RULE_REJECT, "a\r\nb", &r, &err), ERR_SYNTAX);
	assert_int_equal(rule_make("login:a\nb", RULE_REJECT, "", &r, &err), ERR_SYNTAX);
	assert_int_equal(rule_make("example.com OK", RULE_REJECT, "", &r, &err), ERR_SYNTAX);
	assert_int_equal(rule_make("", RULE_REJECT, "", &r, &err), ERR_SYNTAX);
	/* Its line would be a comment. */
	assert_int_equal(rule_make("#x.example", RULE_REJECT, "", &r, &err), ERR_SYNTAX);
	assert_int_equal(rule_make("\"#x\"@a.example", RULE_REJECT, "", &r, &err), 0);
	rule_release(&r);
}

static void test_note(void **state)
{
	struct rule r;

	(void)state;
	assert_int_equal(rule_make("example.com", RULE_REJECT, NULL, &r, NULL), 0);
	assert_int_equal(rule_set_note(&r, "ticket\n17", "root", NULL), 0);
	assert_string_equal(r.reason, "ticket?17");
	assert_string_equal(r.author, "root");
	assert_int_equal(rule_set_note(&r, X400, NULL, NULL), 0);
	assert_string_equal(r.reason, X400);
	assert_string_equal(r.author, "");
	assert_int_equal(rule_set_note(&r, X400 "x", "root", NULL), ERR_LIMIT);
	rule_release(&r);
	rule_release(&r);
}

static void test_expiry(void **state)
{
	struct rule r = {.expires = 1000};

	(void)state;
	assert_false(rule_expired(&r, 999));
	assert_true(rule_expired(&r, 1000));
	assert_true(rule_expired(&r, 1001));
	r.expires = 0;
	assert_false(rule_expired(&r, INT64_MAX));
}

/* A copy equals the rule, with its own expression. */
static void test_copy(void **state)
{
	static const char *const lines[] = {"example.com REJECT 5.7.26 Go away 100%",
	    ".example.com DEFER 4.7.0", "<> HOLD 5.7.1 x", "\"a b\"@example.com DISCARD",
	    "/^a b\\/c/i WARN look", "login:bob OK", "login:/^b/ OK", "login:@example.com OK",
	    "client:2001:db8::/32 REJECT"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct rule r, copy;

		assert_int_equal(rule_parse(lines[i], &r, NULL), 0);
		assert_int_equal(rule_set_note(&r, "ticket 17", "root", NULL), 0);
		r.set_time = 1;
		r.expires = 2;
		r.hits = 77;
		r.line = 5;
		assert_int_equal(rule_copy(&r, &copy), 0);
		case_assert_text(lines[i], copy.subject, r.subject);
		case_assert_text(lines[i], copy.key, r.key);
		case_assert_text(lines[i], copy.status, r.status);
		case_assert_text(lines[i], copy.text, r.text);
		case_assert(lines[i], rule_kind(&copy) == rule_kind(&r) && copy.action == r.action);
		case_assert(lines[i], copy.class == r.class);
		case_assert(lines[i], copy.block.bits == r.block.bits);
		case_assert(lines[i], net_equal(&copy.block.base, &r.block.base));
		case_assert(lines[i], copy.set_time == 1 && copy.expires == 2);
		case_assert(lines[i], copy.hits == 77 && copy.line == 5);
		case_assert(lines[i], (copy.regex != NULL) == (r.regex != NULL));
		case_assert(lines[i], !r.regex || copy.regex != r.regex);
		rule_release(&r);
		case_assert_text(lines[i], copy.reason, "ticket 17");
		case_assert_text(lines[i], copy.author, "root");
		rule_release(&copy);
	}
}

static void test_same_subject(void **state)
{
	static const struct {
		const char *a, *b;
		bool exact, ignoring;
	} rows[] = {
	    {"example.com", "example.com", true, true},
	    {"example.com", "example.org", false, false},
	    {"login:Bob", "login:bob", false, true},
	    {"login:bob", "login:bobby", false, false},
	    {"login:/\\S/", "login:/\\s/", false, false},
	    {"/\\S/", "/\\s/", false, false},
	    {"login:x", "x", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (unsigned turn = 0; turn < 2; turn++) {
			const char *a = turn ? rows[i].b : rows[i].a;
			const char *b = turn ? rows[i].a : rows[i].b;

			case_assert(a, rule_same_subject(a, b, true) == rows[i].exact);
			case_assert(a, rule_same_subject(a, b, false) == rows[i].ignoring);
		}
}

static void test_words(void **state)
{
	static const char *const words[] = {"OK", "WARN", "HOLD", "DEFER", "DISCARD", "REJECT"};
	enum rule_action action = RULE_OK;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		case_assert_text(words[i], rule_action_word((enum rule_action)i), words[i]);
		case_assert(words[i], rule_action_of(words[i], &action) == 0);
		case_assert(words[i], action == (enum rule_action)i);
	}
	assert_int_equal(rule_action_of("dIsCaRd", &action), 0);
	assert_int_equal(action, RULE_DISCARD);
	assert_int_equal(rule_action_of("", &action), ERR_SYNTAX);
	assert_int_equal(rule_action_of("REJECT ", &action), ERR_SYNTAX);
	/* From mildest to strictest. */
	assert_true(RULE_OK < RULE_WARN && RULE_WARN < RULE_HOLD && RULE_HOLD < RULE_DEFER);
	assert_true(RULE_DEFER < RULE_DISCARD && RULE_DISCARD < RULE_REJECT);
}

static void test_reply(void **state)
{
	static const struct {
		const char *line, *code, *status, *text;
	} rows[] = {
	    {"example.com REJECT", "550", "5.7.1", NULL},
	    {"example.com DEFER", "451", "4.7.1", NULL},
	    {"example.com REJECT Go away", "550", "5.7.1", "Go away"},
	    {"example.com REJECT 5.1.8", "550", "5.1.8", NULL},
	    {"example.com DEFER 4.3.2 100% full", "451", "4.3.2", "100% full"},
	    {"example.com HOLD for Ann", "", "", "for Ann"},
	    {"example.com OK", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule_reply reply;
		struct rule r;

		assert_int_equal(rule_parse(rows[i].line, &r, NULL), 0);
		reply = rule_reply_of(&r);
		case_assert_text(rows[i].line, reply.code, rows[i].code);
		case_assert_text(rows[i].line, reply.status, rows[i].status);
		if (rows[i].text)
			case_assert_text(rows[i].line, reply.text, rows[i].text);
		else
			case_assert(rows[i].line, strlen(reply.text) > 10);
		rule_release(&r);
	}
}

UNIT_MAIN(cmocka_unit_test(test_lines), cmocka_unit_test(test_refused), cmocka_unit_test(test_make),
    cmocka_unit_test(test_note), cmocka_unit_test(test_expiry), cmocka_unit_test(test_copy),
    cmocka_unit_test(test_same_subject), cmocka_unit_test(test_words), cmocka_unit_test(test_reply))
