/* SPDX-License-Identifier: ISC */
/*
 * Verdicts: rows of rules and one message, judged at MAIL and at end of message. A row gives both
 * verdicts, the text of the rule that decided at the end, and the warning's.
 */
#include "tests/unit/milter/judge_fixture.h"

struct row {
	const char *name;
	const char *rules[6];
	const char *sender, *login, *from[3];
	enum verdict_action at_mail, at_end;
	const char *want, *warned; /* texts of rules at the end; NULL: none */
	const char *subject;       /* the address that matched; NULL: not checked */
};

#define C VERDICT_CONTINUE
#define H VERDICT_HOLD
#define T VERDICT_TEMPFAIL
#define D VERDICT_DISCARD
#define R VERDICT_REJECT

/* The client is 192.0.2.1 unless the mail is local. */
static const struct row smtp[] = {
    {"no rules", {NULL}, "u@a.test", "", {"f@b.test"}, C, C, NULL, NULL, NULL},
    {"nothing matches", {"x.test REJECT x"}, "u@a.test", "", {"f@b.test"}, C, C, NULL, NULL, NULL},
    {"envelope", {"a.test REJECT x"}, "u@a.test", "", {NULL}, R, R, "x", NULL, "u@a.test"},
    {"header", {"b.test REJECT x"}, "u@a.test", "", {"f@b.test"}, C, R, "x", NULL, "f@b.test"},
    {"second mailbox", {"c.test REJECT x"}, "u@a.test", "", {"f@b.test", "g@c.test"}, C, R, "x",
	NULL, "g@c.test"},
    {"null sender", {"<> REJECT x"}, "<>", "", {NULL}, R, R, "x", NULL, ""},
    {"null sender's rule is not for the header", {"<> REJECT x"}, "u@a.test", "", {"f@b.test"}, C,
	C, NULL, NULL, NULL},
    {"login", {"login:bob REJECT x"}, "u@a.test", "bob", {NULL}, R, R, "x", NULL, "u@a.test"},
    {"client", {"client:192.0.2.0/24 DEFER x"}, "u@a.test", "", {NULL}, T, T, "x", NULL, NULL},
    {"origin for a bare name", {"origin.example DEFER x"}, "root", "", {NULL}, T, T, "x", NULL,
	"root@origin.example"},
    {"defer", {"a.test DEFER x"}, "u@a.test", "", {NULL}, T, T, "x", NULL, NULL},
    {"discard waits for the end", {"a.test DISCARD x"}, "u@a.test", "", {NULL}, C, D, "x", NULL,
	NULL},
    {"hold waits for the end", {"a.test HOLD x"}, "u@a.test", "", {NULL}, C, H, "x", NULL, NULL},
    {"hold by the header", {"b.test HOLD x"}, "u@a.test", "", {"f@b.test"}, C, H, "x", NULL, NULL},

    /* The strictest wins. */
    {"of two mailboxes", {"b.test HOLD h", "c.test REJECT r"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, R, "r", NULL, "g@c.test"},
    {"of two mailboxes, the other way round", {"b.test REJECT r", "c.test HOLD h"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, R, "r", NULL, "f@b.test"},
    {"header over envelope", {"a.test HOLD h", "b.test REJECT r"}, "u@a.test", "", {"f@b.test"}, C,
	R, "r", NULL, NULL},
    {"envelope over header", {"a.test REJECT r", "b.test HOLD h"}, "u@a.test", "", {"f@b.test"}, R,
	R, "r", NULL, NULL},
    {"discard over defer", {"b.test DEFER t", "c.test DISCARD d"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, D, "d", NULL, NULL},
    {"reject over discard", {"b.test DISCARD d", "c.test REJECT r"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, R, "r", NULL, NULL},
    {"reject by the header over discard", {"a.test DISCARD d", "b.test REJECT r"}, "u@a.test", "",
	{"f@b.test"}, C, R, "r", NULL, NULL},
    {"defer over hold", {"b.test HOLD h", "c.test DEFER t"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, T, "t", NULL, NULL},
    {"a mailbox's OK is its own", {"b.test OK o", "c.test REJECT r"}, "u@a.test", "",
	{"f@b.test", "g@c.test"}, C, R, "r", NULL, NULL},
    {"alike, the envelope's", {"a.test REJECT 1", "b.test REJECT 2"}, "u@a.test", "", {"f@b.test"},
	R, R, "1", NULL, "u@a.test"},

    /* OK. */
    {"OK for the sender does not excuse the header", {"a.test OK o", "b.test REJECT r"}, "u@a.test",
	"", {"f@b.test"}, C, R, "r", NULL, NULL},
    {"OK for the sender alone", {"a.test OK o", ".test REJECT r"}, "u@a.test", "", {NULL}, C, C,
	"o", NULL, NULL},
    {"OK for the sender, who is the author too", {"u@a.test OK o", "a.test REJECT r"}, "u@a.test",
	"", {"u@a.test"}, C, C, "o", NULL, NULL},
    {"OK for the login ends all", {"login:bob OK o", "a.test REJECT a", "b.test REJECT b"},
	"u@a.test", "bob", {"f@b.test"}, C, C, "o", NULL, NULL},
    {"OK for the client ends all", {"client:192.0.2.1 OK o", "a.test REJECT a", "b.test REJECT b"},
	"u@a.test", "", {"f@b.test"}, C, C, "o", NULL, NULL},
    {"OK for another login", {"login:bob OK o", "b.test REJECT b"}, "u@a.test", "alice",
	{"f@b.test"}, C, R, "b", NULL, NULL},
    {"HOLD for the login does not end the header", {"login:bob HOLD h", "b.test REJECT b"},
	"u@a.test", "bob", {"f@b.test"}, C, R, "b", NULL, NULL},

    /* WARN. */
    {"warned", {"a.test WARN w"}, "u@a.test", "", {NULL}, C, C, NULL, "w", "u@a.test"},
    {"warned by the header", {"b.test WARN w"}, "u@a.test", "", {"f@b.test"}, C, C, NULL, "w",
	"f@b.test"},
    {"warned and refused", {"u@a.test WARN w", "a.test REJECT r"}, "u@a.test", "", {NULL}, R, R,
	"r", "w", "u@a.test"},
    {"warned by the envelope, refused by the header", {"a.test WARN w", "b.test REJECT r"},
	"u@a.test", "", {"f@b.test"}, C, R, "r", "w", "f@b.test"},
    {"refused by the envelope, warned by the header", {"a.test REJECT r", "b.test WARN w"},
	"u@a.test", "", {"f@b.test"}, R, R, "r", "w", "u@a.test"},
    {"the first warning", {"a.test WARN 1", "b.test WARN 2"}, "u@a.test", "", {"f@b.test"}, C, C,
	NULL, "1", "u@a.test"},
};

/* Local mail: no client; refusals become HOLD at the end. */
static const struct row local[] = {
    {"refused", {"a.test REJECT r"}, "u@a.test", "", {NULL}, C, H, "r", NULL, "u@a.test"},
    {"deferred", {"a.test DEFER t"}, "u@a.test", "", {NULL}, C, H, "t", NULL, NULL},
    {"held", {"a.test HOLD h"}, "u@a.test", "", {NULL}, C, H, "h", NULL, NULL},
    {"discarded", {"a.test DISCARD d"}, "u@a.test", "", {NULL}, C, D, "d", NULL, NULL},
    {"refused by the header", {"b.test REJECT r"}, "u@a.test", "", {"f@b.test"}, C, H, "r", NULL,
	NULL},
    {"passed", {"a.test OK o"}, "u@a.test", "", {NULL}, C, C, "o", NULL, NULL},
    {"client rules are not for it", {"client:0.0.0.0/0 REJECT r"}, "u@a.test", "", {NULL}, C, C,
	NULL, NULL, NULL},
    {"null sender", {"<> REJECT r"}, "", "", {NULL}, C, H, "r", NULL, ""},
};

/* A reply never depends on the mail: at MAIL and at the end, by SMTP or not. */
static void check_reply(const char *name, const struct verdict *v)
{
	bool refuses = v->action == VERDICT_REJECT || v->action == VERDICT_TEMPFAIL;

	case_assert_text(name, v->code,
	    v->action == VERDICT_REJECT     ? "550"
	    : v->action == VERDICT_TEMPFAIL ? "451"
					    : "");
	case_assert_text(name, v->status,
	    v->action == VERDICT_REJECT     ? "5.7.1"
	    : v->action == VERDICT_TEMPFAIL ? "4.7.1"
					    : "");
	case_assert_text(name, v->text, refuses && v->hit.rule ? v->hit.rule->text : "");
	case_assert(name, !v->hit.rule || v->asked == v->hit.rule->action);
}

static void check_end(const struct row *r, const struct verdict *v)
{
	if (v->action != r->at_end)
		case_fail(r->name, "at end: got %d, want %d", v->action, r->at_end);
	case_assert_text(r->name, v->hit.rule ? v->hit.rule->text : "-", r->want ? r->want : "-");
	case_assert_text(
	    r->name, v->hit.warned ? v->hit.warned->text : "-", r->warned ? r->warned : "-");
	if (r->subject)
		case_assert_text(r->name, v->subject, r->subject);
	check_reply(r->name, v);
}

/* kept: From fields are scanned at end of message. */
static void judge_once(const struct row *r, bool is_local, bool kept)
{
	struct session *s = connect_session(is_local);
	struct ruleset *set = build(r->rules);
	struct judge_more more = {0};
	struct verdict v;

	session_mail(s, r->sender, r->login);
	judge_envelope(set, s, NOW, &v);
	if (v.action != r->at_mail)
		case_fail(r->name, "at MAIL: got %d, want %d", v.action, r->at_mail);
	/* A rule without effect here is reported at the end, once. */
	case_assert(r->name, (v.hit.rule != NULL) == (v.action != VERDICT_CONTINUE));
	case_assert(r->name, v.hit.rule || !v.hit.warned);
	check_reply(r->name, &v);
	for (size_t i = 0; i < COUNT_OF(r->from) && r->from[i]; i++)
		if (!kept || !session_keep_from(s, r->from[i])) {
			judge_kept_from(&more, set, s, NOW);
			judge_from(&more, set, s, r->from[i], NOW);
		}
	judge_kept_from(&more, set, s, NOW);
	judge_message(set, s, &more, NOW, &v);
	check_end(r, &v);
	ruleset_unref(set);
	session_free(s);
}

static void judge_row(const struct row *r, bool is_local)
{
	judge_once(r, is_local, false);
	judge_once(r, is_local, true);
}

static void test_smtp(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(smtp); i++)
		judge_row(&smtp[i], false);
}

static void test_local(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(local); i++)
		judge_row(&local[i], true);
}

static void test_reply(void **state)
{
	static const struct {
		const char *rule, *code, *status, *text;
	} rows[] = {
	    {"a.test REJECT 5.7.26 100% sure, 50%", "550", "5.7.26", "100%% sure, 50%%"},
	    {"a.test DEFER 4.999.999 %s%n", "451", "4.999.999", "%%s%%n"},
	    {"a.test REJECT %", "550", "5.7.1", "%%"},
	    {"a.test REJECT", "550", "5.7.1", NULL},
	    {"a.test DEFER", "451", "4.7.1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *lines[] = {rows[i].rule, NULL};
		struct session *s = connect_session(false);
		struct ruleset *set = build(lines);
		struct verdict v;

		/* A sender made to be quoted. */
		session_mail(s, "<\"%n\\\r\\\nx\"@a.test>", "");
		judge_envelope(set, s, NOW, &v);
		case_assert_text(rows[i].rule, v.code, rows[i].code);
		case_assert_text(rows[i].rule, v.status, rows[i].status);
		if (rows[i].text)
			case_assert_text(rows[i].rule, v.text, rows[i].text);
		case_assert(rows[i].rule, strlen(v.text) > 0);
		case_assert(rows[i].rule, !strpbrk(v.text, "\r\n@"));
		ruleset_unref(set);
		session_free(s);
	}
}

/* The longest text, with every byte doubled, is not cut. */
static void test_longest_text(void **state)
{
	char line[RULE_TEXT_MAX + 32];
	const char *lines[] = {line, NULL};
	struct session *s = connect_session(false);
	struct ruleset *set;
	struct verdict v;
	int len = snprintf(line, sizeof(line), "a.test REJECT ");

	(void)state;
	memset(line + len, '%', RULE_TEXT_MAX);
	line[len + RULE_TEXT_MAX] = '\0';
	set = build(lines);
	session_mail(s, "u@a.test", "");
	judge_envelope(set, s, NOW, &v);
	assert_int_equal(strlen(v.text), 2 * RULE_TEXT_MAX);
	ruleset_unref(set);
	session_free(s);
}

/* A rule set between MAIL and the end counts; one that expired meanwhile does not. */
static void test_meanwhile(void **state)
{
	static const char *const before[] = {NULL}, *const after[] = {"a.test REJECT r", NULL};
	struct session *s = connect_session(false);
	struct rule_list rules = {0};
	struct ruleset *set = build(before);
	struct verdict v;
	struct rule r;

	(void)state;
	session_mail(s, "u@a.test", "");
	judge_envelope(set, s, NOW, &v);
	assert_int_equal(v.action, VERDICT_CONTINUE);
	ruleset_unref(set);
	set = build(after);
	judge_message(set, s, &none, NOW, &v);
	assert_int_equal(v.action, VERDICT_REJECT);
	ruleset_unref(set);

	assert_int_equal(rule_make("a.test", RULE_DEFER, NULL, &r, NULL), 0);
	r.expires = NOW + 1;
	assert_int_equal(rule_list_add(&rules, &r), 0);
	set = ruleset_new(NULL, &rules, false);
	judge_envelope(set, s, NOW, &v);
	assert_int_equal(v.action, VERDICT_TEMPFAIL);
	judge_message(set, s, &none, NOW + 1, &v);
	assert_int_equal(v.action, VERDICT_CONTINUE);
	assert_null(v.hit.rule);
	ruleset_unref(set);
	session_free(s);
}

UNIT_MAIN(cmocka_unit_test(test_smtp), cmocka_unit_test(test_local), cmocka_unit_test(test_reply),
    cmocka_unit_test(test_longest_text), cmocka_unit_test(test_meanwhile))
