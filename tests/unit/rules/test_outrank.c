/* SPDX-License-Identifier: ISC */
/* The rules that let pass mail that another rule should stop. */
#include "tests/unit/unit.h"

#include "rules/rule.h"

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
	    {"login in the domain", "login:joe@x.example", "login:@x.example", RULE_OK, true},
	    {"login of another domain", "login:joe@y.example", "login:@x.example", RULE_OK, false},
	    {"login without a domain", "login:joe", "login:@x.example", RULE_OK, false},
	    {"domain over a login", "login:@x.example", "login:joe@x.example", RULE_OK, false},
	    {"login of an expression", "login:joe", "login:/^j/", RULE_OK, true},
	    {"login beside an expression", "login:bob", "login:/^j/", RULE_OK, false},
	    {"login's domain over an expression", "login:@x.example", "login:/^j/", RULE_OK, true},
	    {"login's expression over a login", "login:/^j/", "login:joe", RULE_OK, false},
	    {"login's expression over an address", "login:/^j/", "a@x.example", RULE_OK, true},
	    {"literal", "a@[192.0.2.1]", "[192.0.2.1]", RULE_OK, true},
	    {"single label", "a@localhost", "localhost", RULE_OK, true},
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
		case_assert(cases[i].name, rule_outranks(&passing, &blocked) == cases[i].want);
		rule_release(&passing);
		rule_release(&blocked);
	}
}

UNIT_MAIN(cmocka_unit_test(test_outranks))
