/* SPDX-License-Identifier: ISC */
/*
 * The rule set: each sentence about its order as rows of rules and mail, expiry, counting. Random
 * rules, cost and threads: test_ruleset_search.c.
 */
#include "tests/unit/rules/rule_words.h"

/* want and warned are rules, named by their text; "-" for none. */
static const struct row {
	const char *name;
	const char *file[7], *command[5];
	const char *mail, *want, *warned;
} rows[] = {
    {"no rules", {NULL}, {NULL}, "a@example.com", "-", "-"},
    {"nothing matches", {"example.org REJECT x"}, {NULL}, "a@example.com", "-", "-"},

    /* Most specific first. */
    {"login before all",
	{"/./ REJECT r", "example.com REJECT d", "a@example.com REJECT a",
	    "client:192.0.2.1 REJECT c", "login:bob REJECT l"},
	{NULL}, "login:bob|client:192.0.2.1|a@example.com", "l", "-"},
    {"client before the address", {"a@example.com REJECT a", "client:192.0.2.0/24 REJECT c"},
	{NULL}, "client:192.0.2.1|a@example.com", "c", "-"},
    {"longest mask first",
	{"client:0.0.0.0/0 OK 0", "client:192.0.2.0/24 OK 24", "client:192.0.2.0/25 OK 25",
	    "client:192.0.0.0/16 OK 16"},
	{NULL}, "client:192.0.2.1|a@example.com", "25", "-"},
    {"next mask", {"client:192.0.2.0/24 OK 24", "client:192.0.2.0/25 OK 25"}, {NULL},
	"client:192.0.2.129|a@example.com", "24", "-"},
    {"mask of no bits", {"client:0.0.0.0/0 OK 0", "client:192.0.2.0/24 OK 24"}, {NULL},
	"client:198.51.100.1|a@example.com", "0", "-"},
    {"IPv6 and IPv4 keep apart", {"client:::/0 OK 6", "client:0.0.0.0/0 OK 4"}, {NULL},
	"client:2001:db8::1|a@example.com", "6", "-"},
    {"IPv4 is not in ::/0", {"client:::/0 OK 6"}, {NULL}, "client:192.0.2.1|a@example.com", "-",
	"-"},
    {"address before the domain", {"example.com REJECT d", "a@example.com REJECT a"}, {NULL},
	"A@example.com", "a", "-"},
    {"domain before those above",
	{".com REJECT c", ".example.com REJECT e", "sub.example.com REJECT s"}, {NULL},
	"a@sub.example.com", "s", "-"},
    {"above from near to far",
	{".com REJECT c", ".example.com REJECT e", ".sub.example.com REJECT s"}, {NULL},
	"a@x.sub.example.com", "s", "-"},
    {"the next above", {".com REJECT c", ".example.com REJECT e", ".sub.example.com REJECT s"},
	{NULL}, "a@sub.example.com", "e", "-"},
    {"the farthest", {".com REJECT c", ".example.com REJECT e"}, {NULL}, "a@example.com", "c", "-"},
    {"above before expressions", {"/./ REJECT r", ".com REJECT c"}, {NULL}, "a@example.com", "c",
	"-"},
    {"expressions in file order", {"/z/ REJECT 0", "/a@/ REJECT 1", "/./ REJECT 2"}, {NULL},
	"a@example.com", "1", "-"},

    /* Domain semantics. */
    {"domain alone", {"example.com REJECT x"}, {NULL}, "a@sub.example.com", "-", "-"},
    {"domain that ends alike", {"example.com REJECT x", ".example.com REJECT y"}, {NULL},
	"a@badexample.com", "-", "-"},
    {"domain in front", {"example.com REJECT x", ".example.com REJECT y"}, {NULL},
	"a@example.com.evil.test", "-", "-"},
    {"subdomains alone", {".example.com REJECT x"}, {NULL}, "a@example.com", "-", "-"},
    {"upper case and U-label",
	{"B\xc3\x9c"
	 "CHER.example REJECT x"},
	{NULL}, "a@XN--BCHER-KVA.example", "x", "-"},
    {"literal", {"[192.0.2.1] REJECT x"}, {NULL}, "a@[192.0.2.1]", "x", "-"},
    {"literal has nothing above", {".1 REJECT x"}, {NULL}, "a@[192.0.2.1]", "-", "-"},
    {"raw domain", {"a.-bad.example REJECT x"}, {NULL}, "u@A.-bad.example", "x", "-"},
    {"above a raw domain", {".example REJECT x"}, {NULL}, "u@-bad..example", "x", "-"},
    {"single label", {"localhost REJECT x"}, {NULL}, "root@localhost", "x", "-"},
    {"no domain", {"root REJECT d", ".root REJECT s", "/^root$/ REJECT x"}, {NULL}, "root", "x",
	"-"},
    {"null sender", {"<> REJECT n", "/./ REJECT r"}, {NULL}, "<>", "n", "-"},
    {"null sender by expression", {"example.com REJECT d", "/^<>$/ REJECT r"}, {NULL}, "<>", "r",
	"-"},
    {"null sender's rule is for nobody else", {"<> REJECT n"}, {NULL}, "a@example.com", "-", "-"},
    {"quoted local part", {"\"a b\"@example.com REJECT x"}, {NULL}, "\"A b\"@example.com", "x",
	"-"},

    /* An absent property does not match. */
    {"no address", {"/./ REJECT r", "<> REJECT n", "login:bob REJECT l"}, {NULL}, "login:alice",
	"-", "-"},
    {"no login", {"login:bob REJECT l"}, {NULL}, "bob@example.com", "-", "-"},
    {"login in another case", {"login:bob REJECT l"}, {NULL}, "login:Bob|a@example.com", "l", "-"},
    {"rule in another case", {"login:BOB REJECT l"}, {NULL}, "login:bob|a@example.com", "l", "-"},
    {"login that begins alike", {"login:bob REJECT l"}, {NULL}, "login:bobby|a@example.com", "-",
	"-"},
    {"all logins of a domain", {"login:@bad.example REJECT l"}, {NULL},
	"login:joe@BAD.example.|a@example.com", "l", "-"},
    {"the last @ counts", {"login:@bad.example REJECT l"}, {NULL},
	"login:a@bad.example@good.example|a@example.com", "-", "-"},
    {"logins of a subdomain", {"login:@bad.example REJECT l"}, {NULL},
	"login:joe@x.bad.example|a@example.com", "-", "-"},
    {"login without a domain", {"login:@bad.example REJECT l"}, {NULL},
	"login:bad.example|a@example.com", "-", "-"},
    {"expression for logins", {"login:/^bob[0-9]+$/ REJECT l"}, {NULL}, "login:Bob17|a@example.com",
	"l", "-"},
    {"expression for logins is for no address", {"login:/./ REJECT l"}, {NULL}, "a@example.com",
	"-", "-"},
    {"expression for addresses is for no login", {"/^bob/ REJECT r"}, {NULL},
	"login:bob|a@example.com", "-", "-"},
    {"login: name, domain, expression",
	{"login:/./ OK r", "login:@bad.example OK d", "login:joe@bad.example OK n"}, {NULL},
	"login:Joe@bad.example|a@example.com", "n", "-"},
    {"login: domain, expression", {"login:/./ OK r", "login:@bad.example OK d"}, {NULL},
	"login:joe@bad.example|a@example.com", "d", "-"},
    {"login's expression before the client", {"client:192.0.2.1 REJECT c", "login:/./ OK r"},
	{NULL}, "login:joe|client:192.0.2.1|a@example.com", "r", "-"},
    {"login's expression of the command first", {"login:/j/ REJECT f"}, {"login:/./ OK c"},
	"login:joe|a@example.com", "c", "-"},
    {"expired expression for logins", {NULL}, {"!login:/./ OK c"}, "login:joe|a@example.com", "-",
	"-"},
    {"doublets of logins in two cases", {NULL}, {"login:Bob OK 1", "login:bob REJECT 2"},
	"login:BOB|a@example.com", "1", "-"},
    {"login is no domain", {"login:example.com REJECT l"}, {NULL}, "a@example.com", "-", "-"},
    {"domain is no login", {"example.com REJECT d"}, {NULL}, "login:example.com|<>", "-", "-"},

    /* Command and file. */
    {"command before file", {"example.com REJECT f"}, {"example.com OK c"}, "a@example.com", "c",
	"-"},
    {"at the same specificity only", {"a@example.com REJECT f"}, {"example.com OK c"},
	"a@example.com", "f", "-"},
    {"command before file, above", {".example.com REJECT f"}, {".example.com OK c"},
	"a@x.example.com", "c", "-"},
    {"command before file, client", {"client:192.0.2.0/24 REJECT f"}, {"client:192.0.2.0/24 OK c"},
	"client:192.0.2.1", "c", "-"},
    {"longer mask of the file", {"client:192.0.2.0/25 REJECT f"}, {"client:192.0.2.0/24 OK c"},
	"client:192.0.2.1", "f", "-"},
    {"command's expressions before the file's", {"/./ REJECT f"}, {"/a/ OK c"}, "a@example.com",
	"c", "-"},
    {"command's expressions as they were set", {NULL},
	{"/./i REJECT 1", "/a/ REJECT 2", "/./ REJECT 3"}, "a@example.com", "1", "-"},
    {"expired rule of the command hides nothing", {"example.com REJECT f"}, {"!example.com OK c"},
	"a@example.com", "f", "-"},
    {"expired rule of the command, nothing beneath", {".com REJECT f"}, {"!example.com OK c"},
	"a@example.com", "f", "-"},
    {"expired expression", {"/a/ REJECT f"}, {"!/./ OK c"}, "a@example.com", "f", "-"},
    {"expired login", {NULL}, {"!login:bob OK c"}, "login:bob|a@example.com", "-", "-"},
    {"expired WARN is not noted", {NULL}, {"!example.com WARN c"}, "a@example.com", "-", "-"},
    {"first of the file's doublets", {"example.com OK 1", "Example.com. REJECT 2"}, {NULL},
	"a@example.com", "1", "-"},
    {"first of the command's doublets", {NULL}, {"example.com REJECT 1", "example.com OK 2"},
	"a@example.com", "1", "-"},

    /* OK and WARN. */
    {"OK ends the search", {"a@example.com OK o", "example.com REJECT d"}, {NULL}, "a@example.com",
	"o", "-"},
    {"WARN goes on", {"a@example.com WARN w", "example.com REJECT d"}, {NULL}, "a@example.com", "d",
	"w"},
    {"WARN alone", {"example.com WARN w"}, {NULL}, "a@example.com", "-", "w"},
    {"the first WARN is kept", {"login:bob WARN 1", "client:192.0.2.1 WARN 2", "/./ WARN 3"},
	{NULL}, "login:bob|client:192.0.2.1|a@example.com", "-", "1"},
    {"the command's WARN does not hide the file's rule", {"example.com REJECT f"},
	{"example.com WARN w"}, "a@example.com", "f", "w"},
    {"WARN among expressions", {"/a/ WARN w", "/example/ HOLD h"}, {NULL}, "a@example.com", "h",
	"w"},
    {"WARN behind what matches is not met", {"example.com REJECT d", "/./ WARN w"}, {NULL},
	"a@example.com", "d", "-"},
};

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ruleset *set = build(rows[i].file, rows[i].command);
		struct ruleset_hit hit = find(set, rows[i].mail);

		case_assert_text(rows[i].name, hit.rule ? hit.rule->text : "-", rows[i].want);
		case_assert_text(rows[i].name, hit.warned ? hit.warned->text : "-", rows[i].warned);
		ruleset_unref(set);
	}
}

/* login_case = "exact". */
static void test_exact_logins(void **state)
{
	static const struct {
		const char *line, *login;
		bool want;
	} cases[] = {
	    {"login:Bob REJECT", "Bob", true},
	    {"login:Bob REJECT", "bob", false},
	    {"login:/^B/ REJECT", "Bob", true},
	    {"login:/^B/ REJECT", "bob", false},
	    {"login:/^B/i REJECT", "bob", true},
	    {"login:@A.example REJECT", "bob@a.Example", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct ruleset_query query = {.login = cases[i].login, .wall = NOW};
		struct rule_list rules = {0};
		struct ruleset *set;

		add_line(&rules, cases[i].line, 0);
		set = ruleset_new(NULL, &rules, true);
		case_assert(
		    cases[i].line, (ruleset_find(set, &query).rule != NULL) == cases[i].want);
		ruleset_unref(set);
	}
}

/* Past the bound of mailboxes expressions are skipped; rules found by hash still count. */
static void test_plain(void **state)
{
	static const char *const file[] = {"/./ REJECT r", "example.com HOLD d", "login:/./ WARN l",
	    NULL},
				 *const command[] = {NULL};
	struct ruleset *set = build(file, command);
	struct ruleset_query query = {.wall = NOW, .plain = true};
	struct address address;

	(void)state;
	query.address = &address;
	address_envelope("a@example.com", NULL, &address);
	assert_string_equal(ruleset_find(set, &query).rule->text, "d");
	address_envelope("a@example.org", NULL, &address);
	assert_null(ruleset_find(set, &query).rule);
	query.plain = false;
	assert_string_equal(ruleset_find(set, &query).rule->text, "r");
	ruleset_unref(set);
}

/* From its second on, and not before. */
static void test_expiry(void **state)
{
	static const char *const file[] = {NULL}, *const command[] = {
						      "!example.com REJECT x", NULL};
	struct ruleset *set = build(file, command);
	struct ruleset_query query = {.wall = NOW - 1};
	struct address address;

	(void)state;
	address_envelope("a@example.com", NULL, &address);
	query.address = &address;
	assert_non_null(ruleset_find(set, &query).rule);
	query.wall = NOW;
	assert_null(ruleset_find(set, &query).rule);
	ruleset_unref(set);
}

static void test_no_rules(void **state)
{
	struct rule_list none = {0};
	struct ruleset_query query = {.login = "bob", .wall = NOW};
	struct ruleset *set = ruleset_new(NULL, NULL, false);

	(void)state;
	assert_non_null(set);
	assert_null(ruleset_find(set, &query).rule);
	assert_int_equal(ruleset_count(set), 0);
	assert_int_equal(ruleset_count(NULL), 0);
	assert_null(ruleset_ref(NULL));
	ruleset_unref(NULL);
	assert_ptr_equal(ruleset_ref(set), set);
	ruleset_unref(set);
	assert_int_equal(ruleset_count(set), 0);
	ruleset_unref(set);
	set = ruleset_new(&none, NULL, false);
	assert_int_equal(ruleset_count(set), 0);
	ruleset_unref(set);
}

static void test_all_of_them(void **state)
{
	static const char *const file[] = {"a.example OK", "/x/ OK", NULL}, *const command[] = {
										"b.example OK",
										"/y/ OK", NULL};
	static const char *const want[] = {"b.example", "/y/", "a.example", "/x/"};
	struct ruleset *set = build(file, command);

	(void)state;
	assert_int_equal(ruleset_count(set), COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		case_assert_text(want[i], ruleset_at(set, i)->subject, want[i]);
	ruleset_unref(set);
}

static void add_told(void *arg, const struct rule *r, uint64_t number)
{
	strbuf_printf(arg, "%s=%llu ", r->subject, (unsigned long long)number);
}

/* All counts, as "subject=hits " in the rules' order. */
static const char *gathered(struct ruleset *set, struct strbuf *into)
{
	strbuf_clear(into);
	for (size_t i = 0; i < ruleset_count(set); i++)
		if (rule_hits(ruleset_at(set, i)))
			add_told(into, ruleset_at(set, i), rule_hits(ruleset_at(set, i)));
	return strbuf_text(into);
}

static void test_hits(void **state)
{
	static const char *const file[] = {"a.example REJECT", NULL}, *const command[] = {
									  "b.example REJECT",
									  "c.example REJECT",
									  "/d/ REJECT", NULL};
	struct ruleset *set = build(file, command);
	struct strbuf told = {0};

	(void)state;
	rule_hit(find(set, "x@b.example").rule);
	rule_hit(find(set, "x@b.example").rule);
	rule_hit(find(set, "x@a.example").rule);
	rule_hit(find(set, "d@other").rule);
	assert_string_equal(gathered(set, &told), "b.example=2 /d/=1 a.example=1 ");
	rule_hit(find(set, "x@b.example").rule);
	assert_string_equal(gathered(set, &told), "b.example=3 /d/=1 a.example=1 ");
	strbuf_release(&told);
	ruleset_unref(set);
}

static const char *hostile_sender(void)
{
	static char mail[160];

	memset(mail, 'a', 100);
	snprintf(mail + 100, 30, "@example.org");
	return mail;
}

static void test_limit_errors(void **state)
{
	static const char *const file[] = {"/^(a+)+$/ REJECT r", ".example.org HOLD h",
	    "/org/ OK o", NULL},
				 *const command[] = {NULL};
	struct ruleset *set = build(file, command);
	struct strbuf told = {0};

	(void)state;
	assert_string_equal(find(set, hostile_sender()).rule->text, "o");
	assert_int_equal(ruleset_limit_errors(set, NULL, NULL), 1);
	(void)find(set, hostile_sender());
	ruleset_limit_errors(set, add_told, &told);
	ruleset_limit_errors(set, add_told, &told);
	assert_string_equal(strbuf_text(&told), "/^(a+)+$/=2 ");
	assert_int_equal(ruleset_limit_errors(set, NULL, NULL), 0);
	strbuf_release(&told);
	ruleset_unref(set);
}

static void add_rule(struct rule_list *list, const char *line, unsigned number)
{
	struct rule r;

	assert_int_equal(rule_parse(line, &r, NULL), 0);
	r.line = number;
	assert_int_equal(rule_list_add(list, &r), 0);
}

/* One side is replaced; the other keeps its counts. */
static void test_shared(void **state)
{
	static const char *const file[] = {"a.example REJECT a", "client:192.0.2.0/24 HOLD n",
	    NULL},
				 *const command[] = {"b.example REJECT b", NULL};
	struct ruleset *first = build(file, command), *second, *third;
	struct rule_list rules = {0};
	struct strbuf told = {0};

	(void)state;
	rule_hit(find(first, "x@a.example").rule);
	add_rule(&rules, "c.example REJECT c", 0);
	add_rule(&rules, "client:192.0.2.7 OK c", 0);
	second = ruleset_with(first, RULE_OF_COMMAND, &rules);
	assert_non_null(second);
	assert_int_equal(rules.count, 0);
	assert_null(find(second, "x@b.example").rule);
	assert_string_equal(find(second, "client:192.0.2.7|x@a.example").rule->text, "c");
	assert_string_equal(find(second, "client:192.0.2.8|x@a.example").rule->text, "n");
	rule_hit(find(second, "x@a.example").rule);
	rule_hit(find(second, "x@c.example").rule);
	ruleset_unref(first);

	add_rule(&rules, "d.example REJECT d", 1);
	third = ruleset_with(second, RULE_OF_FILE, &rules);
	assert_non_null(third);
	assert_null(find(third, "x@a.example").rule);
	assert_null(find(third, "client:192.0.2.8|x@a.example").rule);
	assert_string_equal(find(third, "x@d.example").rule->text, "d");
	assert_string_equal(gathered(third, &told), "c.example=1 ");
	assert_string_equal(gathered(second, &told), "c.example=1 a.example=2 ");
	ruleset_unref(second);
	ruleset_unref(third);
	strbuf_release(&told);
}

/* A rule's counts pass to its successor, even late hits. */
static void test_counters_go_on(void **state)
{
	static const char *const file[] = {"A.example REJECT a", "/^(a+)+$/ REJECT", NULL},
				 *const command[] = {"login:Joe REJECT", "a.example OK", NULL};
	struct ruleset *first = build(file, command), *second;
	struct rule_list rules = {0};
	struct strbuf told = {0};

	(void)state;
	rule_hit(ruleset_at(first, 0));
	rule_hit(ruleset_at(first, 2));
	add_rule(&rules, "b.example OK", 1);
	add_rule(&rules, "a.example DEFER", 2);
	add_rule(&rules, "/^(a+)+$/ HOLD", 3);
	second = ruleset_with(first, RULE_OF_FILE, &rules);
	assert_string_equal(gathered(second, &told), "login:Joe=1 a.example=1 ");
	rule_hit(ruleset_at(first, 2));
	(void)find(first, hostile_sender());
	assert_string_equal(gathered(second, &told), "login:Joe=1 a.example=2 ");
	assert_int_equal(ruleset_limit_errors(second, NULL, NULL), 1);
	ruleset_unref(first);
	add_rule(&rules, "login:joe OK", 0);
	first = ruleset_with(second, RULE_OF_COMMAND, &rules);
	ruleset_unref(second);
	assert_string_equal(gathered(first, &told), "login:joe=1 a.example=2 ");
	ruleset_unref(first);
	strbuf_release(&told);
}

UNIT_MAIN(cmocka_unit_test(test_order), cmocka_unit_test(test_exact_logins),
    cmocka_unit_test(test_plain), cmocka_unit_test(test_expiry), cmocka_unit_test(test_no_rules),
    cmocka_unit_test(test_all_of_them), cmocka_unit_test(test_hits),
    cmocka_unit_test(test_limit_errors), cmocka_unit_test(test_shared),
    cmocka_unit_test(test_counters_go_on))
