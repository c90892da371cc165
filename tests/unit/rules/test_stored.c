/* SPDX-License-Identifier: ISC */
/* The command's rules as a file: they are read back as written, and damaged lines are kept. */
#include "tests/unit/rules/stored_fixture.h"

#define X10 "xxxxxxxxxx"

#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

#define X400 X100 X100 X100 X100

/* Free it. */
static char *written(const struct stored *s)
{
	struct strbuf out = {0};

	stored_begin(&out, &s->kept);
	stored_put(&out, &s->rules, 0);
	assert_false(out.failed);
	return out.text;
}

/* Lines that an admin may write, and the rules that they make. */
static void test_lines(void **state)
{
	static const struct {
		const char *name, *line, *subject, *text, *author, *reason;
		int64_t set, until; /* seconds */
	} rows[] = {
	    {"all of it", "a.example REJECT 5.7.1 Go ; at=5 until=9 by=joe reason=ticket 17",
		"a.example", "Go", "joe", "ticket 17", 5, 9},
	    {"nothing", "a.example REJECT", "a.example", "", "", "", 0, 0},
	    {"text alone", "A.example. REJECT Go away", "a.example", "Go away", "", "", 0, 0},
	    {"no text", "a.example HOLD ; at=5", "a.example", "", "", "", 5, 0},
	    {"separator alone", "a.example HOLD ;", "a.example", "", "", "", 0, 0},
	    {"text that looks like attributes", "a.example HOLD x ; at=1 ; at=5", "a.example",
		"x ; at=1", "", "", 5, 0},
	    {"text that is a separator", "a.example HOLD ; ; at=5", "a.example", ";", "", "", 5, 0},
	    {"text with a semicolon", "a.example HOLD a;b", "a.example", "a;b", "", "", 0, 0},
	    {"text that begins with #", "a.example HOLD #1 ; at=5", "a.example", "#1", "", "", 5,
		0},
	    {"another order", "a.example OK ; by=joe until=9 at=5", "a.example", "", "joe", "", 5,
		9},
	    {"tabs and blanks", "a.example\t OK\tx \t; \tat=5\t by=joe ", "a.example", "x", "joe",
		"", 5, 0},
	    {"escaped", "a.example OK ; by=uid\\ 7\\; reason=a \\; b\\\\ at=7", "a.example", "",
		"uid 7;", "a ; b\\ at=7", 0, 0},
	    {"reason is all the rest", "a.example OK ; at=5 reason= by=x  ", "a.example", "", "",
		" by=x  ", 5, 0},
	    {"no value", "a.example OK ; by= reason=", "a.example", "", "", "", 0, 0},
	    {"expression with a separator", "/a ; b/i REJECT", "/a ; b/i", "", "", "", 0, 0},
	    {"login in quotes", "login:\"a ; b\" OK ; at=5", "login:\"a ; b\"", "", "", "", 5, 0},
	    {"control characters of a note", "a.example OK ; reason=a\tb\xff", "a.example", "", "",
		"a?b?", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stored s = parse(rows[i].line);
		const struct strlist told = strlist_of(&s.told);

		if (s.rules.count != 1)
			case_fail(rows[i].name, "%s", told.first ? told.first : "no rule");
		const struct rule *r = &s.rules.list[0];
		case_assert_text(rows[i].name, r->subject, rows[i].subject);
		case_assert_text(rows[i].name, r->text, rows[i].text);
		case_assert_text(rows[i].name, r->author, rows[i].author);
		case_assert_text(rows[i].name, r->reason, rows[i].reason);
		case_assert(rows[i].name, r->set_time == rows[i].set * SECOND);
		case_assert(rows[i].name, r->expires == rows[i].until * SECOND);
		case_assert(rows[i].name, r->line == 0 && s.damaged == 0 && s.kept.len == 0);
		stored_release(&s);
	}
}

/* Damaged lines are left out, counted and named; they are kept byte for byte in the rewritten
 * file. */
static void test_damaged(void **state)
{
	static const struct {
		const char *line, *told;
	} rows[] = {
	    {"a.example", "rules:3: no action"},
	    {"a.example REJCT", "rules:3: unknown action"},
	    {"/a(/ REJECT ; at=5", "rules:3: /a(/: bad expression"},
	    {" a.example REJECT", "rules:3: a rule begins in the first column"},
	    {"a.example REJECT go ; away", "'away' is not at="},
	    {"a.example REJECT ; at=x", "'x' is not a number"},
	    {"a.example REJECT ; at=", "'' is not a number"},
	    {"a.example REJECT ; at=-1", "'-1' is not a number"},
	    {"a.example REJECT ; until=999999999999", "is not a number"},
	    {"a.example REJECT ; at=5 at=6", "at= is given twice"},
	    {"a.example REJECT ; origin=flood", "is not at="},
	    {"a.example REJECT ; by=a\\b", "a backslash"},
	    {"a.example REJECT ; by=a\\", "a backslash"},
	    {"a.example REJECT ; reason=" X400 "x", "longer than 400"},
	    {"a.example REJECT " X400 "x ; at=5", "longer than 400"},
	    {"a.example REJECT 4.7.1 x ; at=5", "does not fit"},
	    {"a.example REJECT\r", "unknown action"},
	    {"a.example REJECT x\r", "printable ASCII"},
	    {"a.example REJECT nicht m\xc3\xb6glich ; at=5", "printable ASCII"},
	    {"\xff\xfe\x01", "rules:3:"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct strbuf text = {0};

		strbuf_printf(&text, "# mine\nb.example OK\n%s\nc.example HOLD\n", rows[i].line);
		struct stored s = parse(text.text), again;
		char *out = written(&s), want[1200];

		case_assert(rows[i].line, s.rules.count == 2 && s.damaged == 1);
		const struct strlist told = strlist_of(&s.told);
		case_assert(rows[i].line, told.count == 1);
		if (!strstr(told.first, rows[i].told))
			case_fail(rows[i].line, "told '%s'", told.first);
		snprintf(want, sizeof(want), "\n# mine\n%s\n", rows[i].line);
		case_assert(rows[i].line, strstr(out, want) != NULL);
		again = parse(out);
		case_assert(rows[i].line, again.rules.count == 2 && again.damaged == 1);
		case_assert_text(rows[i].line, again.rules.list[0].subject, "b.example");
		case_assert_text(rows[i].line, again.rules.list[1].subject, "c.example");
		free(out);
		stored_release(&s);
		stored_release(&again);
		strbuf_release(&text);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "a.example REJECT\0x\nb.example OK\n";
	struct stored s = {0};
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(stored_parse("rules", text, sizeof(text) - 1, &s, NULL), 0);
	assert_int_equal(s.rules.count, 1);
	assert_int_equal(s.damaged, 1);
	stored_begin(&out, &s.kept);
	assert_memory_equal(out.text + out.len - 19, text, 19);
	strbuf_release(&out);
	stored_release(&s);
}

/* All damaged lines are kept and counted, the first ones are named. */
static void test_much_damage(void **state)
{
	struct strbuf text = {0};

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		strbuf_printf(&text, "line %u\n", i);
	struct stored s = parse(text.text);
	const struct strlist told = strlist_of(&s.told);
	assert_int_equal(s.damaged, 50);
	assert_int_equal(told.count, STORED_TOLD_MAX);
	char *out = written(&s);
	assert_non_null(strstr(out, text.text));
	free(out);
	stored_release(&s);
	strbuf_release(&text);
}

/* Any rule comes back, and is written again in the same way. */
static void test_round(void **state)
{
	static const struct {
		const char *subject;
		enum rule_action action;
		const char *text, *reason, *author;
	} rows[] = {
	    {"example.com", RULE_REJECT, "5.7.26 Go away 100%", "ticket 17", "root"},
	    {".example.com", RULE_DEFER, "4.7.0", "", ""},
	    {"b\xc3\xbc"
	     "cher.example",
		RULE_REJECT, "5.7.0 4.7.1 x", "a ; b", "uid 7"},
	    {"<>", RULE_HOLD, "5.7.1 x", " ; at=1 ; ", "; by=x"},
	    {"\"a b\"@example.com", RULE_DISCARD, "", "\\;\\\\ \\", "a\\ b;"},
	    {"/^a b\\/c ; at=1/i", RULE_WARN, "; at=1 by=x",
		"b\xc3\xbc"
		"cher",
		"j\xc3\xb6rg"},
	    {"login:John Doe ; at=1", RULE_OK, "x ; at=1", "reason=x", "by=x"},
	    {"login:@example.com", RULE_OK, "", " ", ""},
	    {"login:/a b/", RULE_OK, "", "x", ""},
	    {"client:2001:db8::/32", RULE_REJECT, X400, X400, X400},
	    {"-a..b", RULE_REJECT, NULL, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule r;
		struct strbuf line = {0}, again = {0};

		if (rule_make(rows[i].subject, rows[i].action, rows[i].text, &r, NULL) != 0)
			continue; /* no pattern */
		assert_int_equal(rule_set_note(&r, rows[i].reason, rows[i].author, NULL), 0);
		r.set_time = 1764000000 * SECOND;
		r.expires = i % 2 ? 1764000001 * SECOND : 0;
		stored_put(&line, &(struct rule_list){&r, 1, 1}, 0);
		struct stored s = parse(line.text);
		const struct strlist told = strlist_of(&s.told);
		if (s.rules.count != 1)
			case_fail(line.text, "%s", told.first ? told.first : "no rule");
		const struct rule *back = &s.rules.list[0];
		case_assert_text(line.text, back->subject, r.subject);
		case_assert_text(line.text, back->key, r.key);
		case_assert_text(line.text, back->status, r.status);
		case_assert_text(line.text, back->text, r.text);
		case_assert_text(line.text, back->reason, r.reason);
		case_assert_text(line.text, back->author, r.author);
		case_assert(
		    line.text, rule_kind(back) == rule_kind(&r) && back->action == r.action);
		case_assert(line.text, back->set_time == r.set_time);
		case_assert(line.text, back->expires == r.expires);
		stored_put(&again, &s.rules, 0);
		case_assert_text(line.text, again.text, line.text);
		stored_release(&s);
		rule_release(&r);
		strbuf_release(&line);
		strbuf_release(&again);
	}
}

/* Their order is that of the lines. */
static void test_order(void **state)
{
	static const char *const want[] = {"/c/", "b.example", "/a/", "a.example", "/c/i"};
	struct stored s = parse("/c/ OK\nb.example OK\n/a/ OK\na.example OK\n/c/i OK\n");

	(void)state;
	assert_int_equal(s.rules.count, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		case_assert_text(want[i], s.rules.list[i].subject, want[i]);
	stored_release(&s);
}

/* The heading occurs once, however often the file is written. */
static void test_heading(void **state)
{
	struct stored s = parse("# mine\nb.example OK ; at=5\n"), t;
	char *first = written(&s), *second;

	(void)state;
	t = parse(first);
	second = written(&t);
	assert_string_equal(first, second);
	assert_true(str_starts(first, "# Set by pqpurge-idx block"));
	free(first);
	free(second);
	stored_release(&s);
	stored_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_much_damage),
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_heading),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
