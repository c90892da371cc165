/* SPDX-License-Identifier: ISC */
/*
 * Rules as JSON, and the answer to "what are the rules". The daemon gives it of the rules in force;
 * while none runs, the command's child gives the same of the files.
 *
 * A rule: "pattern", "action", "text" and "status" where it has any, "origin" ("file" or
 * "command"), "hits"; of the file "file" and "line"; of the command "set_time", "expires" (absent:
 * never), "author", "reason". Times are seconds since the epoch.
 *
 * A question, each member may be absent:
 * - "from": the place to begin at, as "next" of the last answer said
 * - "test", "login", "client": which rule decides about this sender (in normal form, "" the null
 *   sender), login and client's address
 * - "blocked": patterns; which OK rules outrank rules of theirs
 *
 * The answer:
 * - "rules": [rule, ...], the next RULES_PAGE; without those that have expired
 * - "next": place of the first after them; absent: there are no more
 * - "decides", "warned": rules; only where "test" was asked and there are such
 * - "outranking": [{"passing": rule, "blocked": pattern}, ...], the first RULES_OUTRANKING_MAX, and
 *   "outranking_count"; only where "blocked" was asked
 * With "test" or "blocked" there is no "rules".
 * - "rules_damaged": how many lines of the command's rules are left out, and "damage", what is
 * wrong with the first ("FILE:LINE: what")
 */
#ifndef PQPURGE_RULES_RULES_JSON_H
#define PQPURGE_RULES_RULES_JSON_H

#include "base/json.h"
#include "rules/ruleset.h"

#define RULES_OUTRANKING_MAX 5
#define RULES_BLOCKED_MAX    1000 /* patterns in one question */
/* With the longest texts (10 kB a rule) still what json_parse takes. */
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
/* Adds the answer to reply; *ret_next (may be NULL) is its "next", 0 at the end. ERR_SYNTAX or
 * -ENOMEM. */
int rules_answer(const struct rules_view *view, const struct json *question, struct json *reply,
    size_t *ret_next, struct err *err) NODISCARD;

/*
 * Reads one rule of an answer, for showing alone: texts are checked for control characters and
 * length, and nothing is compiled. line is "line" of a file's rule, 0 of the command's. ERR_SYNTAX,
 * or -ENOMEM.
 */
int rule_of_json(const struct json *o, struct rule *ret, struct err *err) NODISCARD;

/* A rule to set as the members of a request, and back, compiled. "expires" and notes as above. */
void rule_put_request(const struct rule *r, struct json *request);
int rule_of_request(const struct json *request, struct rule *ret, struct err *err) NODISCARD;

#endif
