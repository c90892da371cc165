/* SPDX-License-Identifier: ISC */
/* Blocks: which rules a command line means, which of them are doubtful, which rules let mail
 * through all the same. */
#include "tests/unit/unit.h"

#include "purge/rules/blocking.h"

static const struct block_terms plain = {
    .action = RULE_REJECT, .reason = "", .author = "root", .now = 5, .expires = 9};

/* The subjects of a plan, with a blank between. */
static char *subjects(const struct block_plan *plan)
{
	struct strbuf text = {0};

	strbuf_puts(&text, "");
	for (size_t i = 0; i < plan->rules.count; i++)
		strbuf_printf(&text, "%s%s", i ? " " : "", plan->rules.list[i].subject);
	return text.text ? text.text : strdup("");
}

static void test_subjects(void **state)
{
	static const struct {
		const char *name, *subject;
		bool subdomains;
		const char *want; /* NULL: refused */
	} cases[] = {
	    {"domain", "Example.COM", false, "example.com"},
	    {"domain and below", "example.com", true, "example.com .example.com"},
	    {"below alone", ".example.com", true, ".example.com"},
	    {"address", "a@example.com", true, "a@example.com"},
	    {"literal", "[192.0.2.1]", true, "[192.0.2.1]"},
	    {"null sender", "<>", true, "<>"},
	    {"login", "login:Joe", true, "login:Joe"},
	    {"client", "client:192.0.2.0/24", true, "client:192.0.2.0/24"},
	    {"single label", "localhost", false, "localhost"},
	    {"unclosed", "/x(/", false, NULL},
	    {"client bits", "client:192.0.2.1/24", false, NULL},
	    {"empty", "", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct block_plan plan = {0};
		struct block_terms terms = plain;
		struct err err = {{0}};
		int code;
		char *got;

		terms.subdomains = cases[i].subdomains;
		code = block_plan_add(&plan, cases[i].subject, &terms, &err);
		if (!cases[i].want)
			case_assert(cases[i].name, code == ERR_USAGE && err.text[0]);
		else {
			case_assert(cases[i].name, code == 0);
			got = subjects(&plan);
			case_assert_text(cases[i].name, got, cases[i].want);
			free(got);
			case_assert(cases[i].name, plan.rules.list[0].set_time == 5);
			case_assert(cases[i].name, plan.rules.list[0].expires == 9);
		}
		block_plan_release(&plan);
	}
}

static void add(struct pattern_set *set, const char *text)
{
	struct pattern p = {0};

	assert_int_equal(pattern_parse(text, &p, NULL), 0);
	assert_int_equal(pattern_set_add(set, &p), 0);
}

/* purge --block refuses what the selectors name, and needs one that names a sender. */
static void test_selector(void **state)
{
	struct block_plan plan = {0};
	struct block_terms terms = plain;
	struct selector s;
	struct err err = {{0}};
	char *got;

	(void)state;
	selector_init(&s);
	s.all = true;
	assert_int_equal(block_plan_selector(&plan, &s, &terms, &err), ERR_USAGE);
	add(&s.author, "a.example");
	add(&s.sender, "b@b.example");
	add(&s.from, "/c/i");
	assert_int_equal(selector_add_login(&s, "joe"), 0);
	assert_int_equal(selector_add_client(&s, "192.0.2.0/24", NULL), 0);
	assert_int_equal(selector_add_client(&s, "2001:db8::1", NULL), 0);
	assert_int_equal(block_plan_selector(&plan, &s, &terms, &err), 0);
	got = subjects(&plan);
	assert_string_equal(
	    got, "a.example b@b.example /c/i login:joe client:192.0.2.0/24 client:2001:db8::1");
	free(got);
	block_plan_release(&plan);
	selector_release(&s);
}

static void test_doubt(void **state)
{
	static const struct {
		const char *name, *subject;
		enum rule_action action;
		bool want;
	} cases[] = {
	    {"null sender", "<>", RULE_REJECT, true},
	    {"null sender on hold", "<>", RULE_HOLD, true},
	    {"null sender passes", "<>", RULE_OK, false},
	    {"null sender is logged", "<>", RULE_WARN, false},
	    {"own origin", "origin.example", RULE_REJECT, true},
	    {"own destination", "host.example", RULE_DEFER, true},
	    {"the last of the list", "last.example", RULE_REJECT, true},
	    {"below an own one", "sub.host.example", RULE_REJECT, false},
	    {"all below the parent of an own one", ".example", RULE_REJECT, true},
	    {"all below an own one", ".host.example", RULE_REJECT, false},
	    {"address of an own one", "joe@host.example", RULE_REJECT, false},
	    {"everything", "/./", RULE_REJECT, true},
	    {"an expression for an own one", "/@host\\.example$/", RULE_REJECT, true},
	    {"an expression for another", "/@spam\\.test$/", RULE_REJECT, false},
	    {"a stranger", "spam.test", RULE_REJECT, false},
	    {"a table's name", "hash", RULE_REJECT, false},
	    {"login", "login:joe", RULE_REJECT, false},
	    {"client", "client:192.0.2.1", RULE_REJECT, false},
	};
	struct postfix p = {.myorigin = (char[]){"origin.example"},
	    .mydestination =
		(char[]){"host.example, localhost\thash:/etc/postfix/own,last.example"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule r = {0};
		char words[640];
		const char *doubt;

		case_assert(cases[i].name,
		    rule_make(cases[i].subject, cases[i].action, NULL, &r, NULL) == 0);
		doubt = block_doubt(&r, &p, words, sizeof(words));
		case_assert(cases[i].name, (doubt != NULL) == cases[i].want);
		if (doubt)
			case_assert(cases[i].name, strstr(doubt, cases[i].subject) != NULL);
		rule_release(&r);
	}
}

static void test_outranks(void **state)
{
	static const struct {
		const char *name, *passing, *blocked;
		enum rule_action action;
		bool want;
	} cases[] = {
	    {"address in the domain", "a@x.example", "x.example", RULE_OK, true},
	    {"address elsewhere", "a@y.example", "x.example", RULE_OK, false},
	    {"no OK", "a@x.example", "x.example", RULE_WARN, false},
	    {"the same subject", "x.example", "x.example", RULE_OK, false},
	    {"domain below", "sub.x.example", ".x.example", RULE_OK, true},
	    {"nearer parent", ".sub.x.example", ".x.example", RULE_OK, true},
	    {"farther parent", ".example", ".x.example", RULE_OK, false},
	    {"parent of a domain", ".example", "x.example", RULE_OK, false},
	    {"domain over an address", "x.example", "a@x.example", RULE_OK, false},
	    {"address over an expression", "a@x.example", "/x\\.example$/", RULE_OK, true},
	    {"address beside an expression", "a@y.example", "/x\\.example$/", RULE_OK, false},
	    {"domain over an expression", "x.example", "/^a@/", RULE_OK, true},
	    {"expression over a domain", "/^a@/", "x.example", RULE_OK, false},
	    {"null sender over everything", "<>", "/./", RULE_OK, true},
	    {"null sender beside a domain", "<>", "x.example", RULE_OK, false},
	    {"login", "login:joe", "x.example", RULE_OK, true},
	    {"client", "client:192.0.2.1", "x.example", RULE_OK, true},
	    {"login over a client", "login:joe", "client:192.0.2.1", RULE_OK, true},
	    {"client over a login", "client:192.0.2.1", "login:joe", RULE_OK, false},
	    {"client in the network", "client:192.0.2.1", "client:192.0.2.0/24", RULE_OK, true},
	    {"client elsewhere", "client:192.0.3.1", "client:192.0.2.0/24", RULE_OK, false},
	    {"the wider network", "client:192.0.0.0/16", "client:192.0.2.0/24", RULE_OK, false},
	    {"domain over a client", "x.example", "client:192.0.2.1", RULE_OK, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule passing = {0}, blocked = {0};

		case_assert(cases[i].name,
		    rule_make(cases[i].passing, cases[i].action, NULL, &passing, NULL) == 0);
		case_assert(cases[i].name,
		    rule_make(cases[i].blocked, RULE_REJECT, NULL, &blocked, NULL) == 0);
		case_assert(cases[i].name, rulebox_outranks(&passing, &blocked) == cases[i].want);
		rule_release(&passing);
		rule_release(&blocked);
	}
}

UNIT_MAIN(cmocka_unit_test(test_subjects), cmocka_unit_test(test_selector),
    cmocka_unit_test(test_doubt), cmocka_unit_test(test_outranks))
