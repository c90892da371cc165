/* SPDX-License-Identifier: ISC */
/* For tests of verdicts: a rule set from lines, and a session. */
#ifndef PQPURGE_TESTS_JUDGE_FIXTURE_H
#define PQPURGE_TESTS_JUDGE_FIXTURE_H

#include "tests/unit/unit.h"

#include "milter/judge.h"

#define NOW INT64_C(1764000000000000)

static const struct session_config config = {.origin = "origin.example", .max_recipients = 10};

static const struct judge_more none; /* no mailboxes beyond the recorded ones */

static inline struct ruleset *build(const char *const *lines)
{
	struct rule_list rules = {0};
	struct err err = {{0}};
	struct ruleset *set;
	struct rule r;

	for (unsigned i = 0; lines[i]; i++) {
		if (rule_parse(lines[i], &r, &err) != 0)
			fail_msg("'%s': %s", lines[i], err.text);
		r.line = i + 1;
		assert_int_equal(rule_list_add(&rules, &r), 0);
	}
	set = ruleset_new(&rules, NULL, false);
	assert_non_null(set);
	return set;
}

static inline struct session *connect_session(bool is_local)
{
	struct session *s = session_new(&config);
	struct net_address client;

	assert_non_null(s);
	assert_int_equal(net_parse(is_local ? "127.0.0.1" : "192.0.2.1", &client), 0);
	session_connect(s, &client, is_local ? 0 : 40001, is_local);
	return s;
}

#endif
