/* SPDX-License-Identifier: ISC */
/* Rules as JSON, and the answer to "what are the rules", from the daemon or, while none runs, from
 * the command's child.
 *
 * A rule: "pattern", "action", "text" and "status" (if any), "origin" ("file", "fleet" or
 * "command"), "hits"; of the file "file" and "line"; of the others "set_time", "expires" (absent:
 * never), "author", "reason". Times are seconds since the epoch.
 *
 * A question, all members optional:
 * - "from": place to begin at: "next" of the last answer
 * - "test" (sender in normal form, "" the null sender), "login", "client": which rule decides
 * - "blocked": patterns; which OK rules outrank rules of theirs
 *
 * The answer:
 * - "rules": the next RULES_PAGE that have not expired; not with "test" or "blocked"
 * - "next": place of the first after them; absent at the end
 * - "decides", "warned": rules, if there are such; only with "test"
 * - "outranking": [{"passing": rule, "blocked": pattern}, ...], the first RULES_OUTRANKING_MAX, and
 *   "outranking_count"; only with "blocked"
 * - "rules_damaged": how many lines of the command's rules are left out, and "damage", what is
 *   wrong with the first ones ("FILE:LINE: what") */
#pragma once

#include "base/json.h"
#include "rules/ruleset.h"

#define RULES_OUTRANKING_MAX 5
#define RULES_BLOCKED_MAX    1000 /* patterns in one question */
/* With the longest texts (10 kB a rule) json_parse still takes it. */
#define RULES_PAGE 1000

struct rules_view {
	struct ruleset *set;
	const char *rules_file; /* for "file" */
	bool login_exact;
	int64_t wall;
	size_t damaged; /* of the stored rules, as struct stored has it */
	struct strlist damage;
};

struct json *rule_json(const struct rule *r, const char *rules_file); /* NULL on no memory */
/* Adds the answer to reply; *ret_next (may be NULL) is its "next". ERR_SYNTAX or -ENOMEM. */
int rules_answer(const struct rules_view *view, const struct json *question, struct json *reply,
    size_t *ret_next, struct err *err) NODISCARD;

/* Reads a rule of an answer, only for showing: checks texts for control characters and length,
 * compiles nothing. ERR_SYNTAX or -ENOMEM. */
int rule_of_json(const struct json *o, struct rule *ret, struct err *err) NODISCARD;

/* A rule to set, as members of a request, and back, compiled. */
void rule_put_request(const struct rule *r, struct json *request);
int rule_of_request(const struct json *request, struct rule *ret, struct err *err) NODISCARD;
