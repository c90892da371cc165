/* SPDX-License-Identifier: ISC */
/* Verdicts on mail whose sender does not want to be recognised: spellings of a domain or a login,
 * and mailboxes beyond the recorded ones. */
#include "tests/unit/milter/judge_fixture.h"

/* A field of `count` mailboxes without a rule, followed by the given ones. */
static void put_from(struct judge_more *more, struct ruleset *set, struct session *s,
    unsigned count, const char *others)
{
	struct strbuf value = {0};

	for (unsigned i = 0; i < count; i++)
		strbuf_printf(&value, "u%u@fine%u.test, ", i, i);
	strbuf_puts(&value, others);
	judge_from(more, set, s, value.text, NOW);
	strbuf_release(&value);
}

/* Every mailbox is looked up, however many precede it, in whichever field. */
static void test_past_the_recorded(void **state)
{
	static const struct {
		const char *name, *rules[4];
		unsigned before;
		const char *from, *second; /* a second field; NULL: none */
		const char *want, *warned;
	} rows[] = {
	    {"the 64th", {"bad.test REJECT r"}, 63, "x@bad.test", NULL, "r", NULL},
	    {"the 65th", {"bad.test REJECT r"}, 64, "x@bad.test", NULL, "r", NULL},
	    {"the 3000th", {"bad.test REJECT r"}, 2999, "x@bad.test", NULL, "r", NULL},
	    {"in a second field", {"bad.test REJECT r"}, 64, "", "x@bad.test", "r", NULL},
	    {"behind both", {"bad.test REJECT r"}, 64, "y@good.test", "z@fine.test, x@bad.test",
		"r", NULL},
	    {"the strictest", {"a.test HOLD h", "b.test REJECT r", "c.test DEFER d"}, 64,
		"x@a.test, x@b.test, x@c.test", NULL, "r", NULL},
	    {"the strictest is recorded", {"u3@fine3.test REJECT r", "b.test HOLD h"}, 64,
		"x@b.test", NULL, "r", NULL},
	    {"an OK of its own", {"b.test OK o", "c.test HOLD h"}, 64, "x@b.test, x@c.test", NULL,
		"h", NULL},
	    {"a warning", {"b.test WARN w"}, 64, "x@b.test", NULL, NULL, "w"},
	    {"a warning and a hold", {"b.test WARN w", "c.test HOLD h"}, 64, "x@b.test, x@c.test",
		NULL, "h", NULL},
	    {"an expression", {"/^x@b/ REJECT r"}, 500, "x@b.test", NULL, "r", NULL},
	    {"an expression past its bound", {"/^x@b/ REJECT r"}, JUDGE_EXPRESSIONS_MAX, "x@b.test",
		NULL, NULL, NULL},
	    {"nothing", {"bad.test REJECT r"}, 200, "x@good.test", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct session *s = connect_session(false);
		struct ruleset *set = build(rows[i].rules);
		struct judge_more more = {0};
		struct verdict v;

		session_mail(s, "u@a.example", "");
		put_from(&more, set, s, rows[i].before, rows[i].from);
		if (rows[i].second)
			put_from(&more, set, s, 0, rows[i].second);
		judge_message(set, s, &more, NOW, &v);
		case_assert_text(rows[i].name, v.hit.rule ? v.hit.rule->text : "-",
		    rows[i].want ? rows[i].want : "-");
		case_assert_text(rows[i].name, v.hit.warned ? v.hit.warned->text : "-",
		    rows[i].warned ? rows[i].warned : "-");
		/* The next message begins anew. */
		session_abort(s);
		judge_clear(&more);
		session_mail(s, "u@a.example", "");
		judge_message(set, s, &more, NOW, &v);
		case_assert(rows[i].name, !v.hit.rule && !v.hit.warned);
		ruleset_unref(set);
		session_free(s);
	}
}

/* A rule that is gone by the end of the message does not count. */
static void test_past_the_recorded_meanwhile(void **state)
{
	static const char *const before[] = {"bad.test REJECT r", NULL}, *const after[] = {NULL};
	struct session *s = connect_session(false);
	struct ruleset *set = build(before);
	struct judge_more more = {0};
	struct verdict v;

	(void)state;
	session_mail(s, "u@a.example", "");
	put_from(&more, set, s, 64, "x@bad.test");
	ruleset_unref(set);
	set = build(after);
	judge_message(set, s, &more, NOW, &v);
	assert_null(v.hit.rule);
	ruleset_unref(set);
	session_free(s);
}

/* A rule matches every spelling that reads as bad.test, and no other domain. */
static void test_evasions(void **state)
{
	static const struct {
		const char *name, *from; /* also tried as envelope sender, if it is one */
		bool want;
	} rows[] = {
	    {"plain", "x@bad.test", true},
	    {"upper case", "x@BAD.Test", true},
	    {"zero width joiner",
		"x@b\xe2\x80\x8d"
		"ad.test",
		true},
	    {"zero width non-joiner", "x@bad.te\xe2\x80\x8cst", true},
	    {"soft hyphen",
		"x@ba\xc2\xad"
		"d.test",
		true},
	    {"byte order mark",
		"x@\xef\xbb\xbf"
		"bad.test",
		true},
	    {"word joiner", "x@bad\xe2\x81\xa0.test", true},
	    {"trailing no-break space", "x@bad.test\xc2\xa0", true},
	    {"trailing em space", "x@bad.test\xe2\x80\x83", true},
	    {"ideographic space", "x@bad.test\xe3\x80\x80", true},
	    {"one trailing dot", "x@bad.test.", true},
	    {"full width", "x@\xef\xbd\x82\xef\xbd\x81\xef\xbd\x84.test", true},
	    {"ideographic full stop", "x@bad\xe3\x80\x82test", true},
	    {"subdomain", "x@sub.bad.test", false},
	    {"ends alike", "x@notbad.test", false},
	    {"homograph",
		"x@b\xd0\xb0"
		"d.test",
		false},
	    {"literal", "x@[bad.test]", false},
	};
	static const char *const rules[] = {"bad.test REJECT r", NULL};
	struct ruleset *set = build(rules);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct session *s = connect_session(false);
		struct judge_more more = {0};
		struct verdict v;
		char angle[128];

		session_mail(s, rows[i].from, "");
		judge_envelope(set, s, NOW, &v);
		if ((v.action == VERDICT_REJECT) != rows[i].want)
			case_fail(rows[i].name, "envelope <%s>", session_sender(s)->text);
		session_mail(s, "u@a.example", "");
		snprintf(angle, sizeof(angle), "bad.test <%s>", rows[i].from);
		judge_from(&more, set, s, i % 2 ? angle : rows[i].from, NOW);
		judge_message(set, s, &more, NOW, &v);
		if ((v.action == VERDICT_REJECT) != rows[i].want)
			case_fail(rows[i].name, "header");
		session_free(s);
	}
	ruleset_unref(set);
}

/* The same for whole header fields. */
static void test_header_forms(void **state)
{
	static const struct {
		const char *from;
		bool want;
	} rows[] = {
	    {"x@bad.test..", true},
	    {"Desk <x@bad.test>", true},
	    {"(x@good.test) x@bad.test", true},
	    {"Group: a@good.test, x@bad.test;", true},
	    {"<@relay.test,@other.test:x@bad.test>", true},
	    {"x@bad(comment).test", true},
	    {"x @ bad . test", true},
	    {"\"x@good.test\" <x@bad.test>", true},
	    {"a@good.test,\n x@bad.test", true},
	    {"x@bad.test via Desk <tickets@desk.test>", false},
	    {"\"x@bad.test\" <tickets@desk.test>", false},
	    {"tickets@desk.test (x@bad.test)", false},
	};
	static const char *const rules[] = {"bad.test REJECT r", NULL};
	struct ruleset *set = build(rules);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct session *s = connect_session(false);
		struct judge_more more = {0};
		struct verdict v;

		session_mail(s, "u@a.example", "");
		judge_from(&more, set, s, rows[i].from, NOW);
		judge_message(set, s, &more, NOW, &v);
		case_assert(rows[i].from, (v.action == VERDICT_REJECT) == rows[i].want);
		session_free(s);
	}
	ruleset_unref(set);
}

/* A login in another case, with its domain, and by an expression. */
static void test_logins(void **state)
{
	static const struct {
		const char *rule, *login;
		bool want;
	} rows[] = {
	    {"login:bob REJECT", "bob", true},
	    {"login:bob REJECT", "BoB", true},
	    {"login:Bob REJECT", "bob", true},
	    {"login:bob REJECT", "bobby", false},
	    {"login:@bad.test REJECT", "joe@Bad.Test", true},
	    {"login:@bad.test REJECT", "joe@bad.test.", true},
	    {"login:@bad.test REJECT",
		"joe@b\xe2\x80\x8d"
		"ad.test",
		true},
	    {"login:@bad.test REJECT", "joe@notbad.test", false},
	    {"login:@bad.test REJECT", "bad.test", false},
	    {"login:/^web[0-9]+$/ REJECT", "WEB12", true},
	    {"login:/^web[0-9]+$/ REJECT", "web", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *lines[] = {rows[i].rule, NULL};
		struct session *s = connect_session(false);
		struct ruleset *set = build(lines);
		struct verdict v;

		session_mail(s, "u@a.example", rows[i].login);
		judge_envelope(set, s, NOW, &v);
		if ((v.action == VERDICT_REJECT) != rows[i].want)
			case_fail(rows[i].rule, "login '%s'", rows[i].login);
		ruleset_unref(set);
		session_free(s);
	}
}

UNIT_MAIN(cmocka_unit_test(test_past_the_recorded),
    cmocka_unit_test(test_past_the_recorded_meanwhile), cmocka_unit_test(test_evasions),
    cmocka_unit_test(test_header_forms), cmocka_unit_test(test_logins))
