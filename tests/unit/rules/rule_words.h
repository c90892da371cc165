/* SPDX-License-Identifier: ISC */
/* For the tests of rule sets: rules and mail written as words. */
#ifndef PQPURGE_TESTS_RULE_WORDS_H
#define PQPURGE_TESTS_RULE_WORDS_H

#include "tests/unit/rules/naive.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1764000000000000)

/* "!" in front means expired. Lines of the file cannot have it. */
static inline void add_line(struct rule_list *list, const char *line, unsigned number)
{
	struct err err = {{0}};
	int64_t expires = 0;
	struct rule r;

	if (line[0] == '!') {
		expires = NOW;
		line++;
	}
	if (rule_parse(line, &r, &err) != 0)
		fail_msg("'%s': %s", line, err.text);
	r.line = number;
	r.expires = expires;
	assert_int_equal(rule_list_add(list, &r), 0);
}

static inline struct ruleset *build(const char *const *file, const char *const *command)
{
	struct rule_list from_file = {0}, from_command = {0};
	struct ruleset *set;

	for (unsigned i = 0; file[i]; i++)
		add_line(&from_file, file[i], i + 1);
	for (unsigned i = 0; command[i]; i++)
		add_line(&from_command, command[i], 0);
	set = ruleset_new(&from_file, &from_command, false);
	assert_non_null(set);
	assert_null(from_file.list);
	assert_null(from_command.list);
	return set;
}

/* Mail as in a row: any of "login:L", "client:C" and "ADDRESS", separated by |. */
static inline struct ruleset_hit find(struct ruleset *set, const char *mail)
{
	char words[200], *save = NULL;
	struct ruleset_query query = {.wall = NOW};
	struct net_address client;
	struct address address;
	struct ruleset_hit hit, naive;

	snprintf(words, sizeof(words), "%s", mail);
	for (char *w = strtok_r(words, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
		if (strncmp(w, "login:", 6) == 0) {
			query.login = w + 6;
		} else if (strncmp(w, "client:", 7) == 0) {
			assert_int_equal(net_parse(w + 7, &client), 0);
			query.client = &client;
		} else {
			address_envelope(w, NULL, &address);
			query.address = &address;
		}
	}
	hit = ruleset_find(set, &query);
	naive = naive_find(set, &query);
	case_assert(mail, hit.rule == naive.rule && hit.warned == naive.warned);
	return hit;
}

#endif
