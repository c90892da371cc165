/* SPDX-License-Identifier: ISC */
/* Rules as JSON, and the answer to "which rules are there?". The daemon answers it, or, while none
 * runs, the command's child.
 *
 * A rule has "pattern", "action", "text" and "status" (if any), "origin" ("file", "fleet" or
 * "command") and "hits". A rule of the file also has "file" and "line"; any other rule "set_time",
 * "expires" (absent: never), "author" and "reason". Times are seconds since the epoch.
 *
 * A question; all members are optional:
 *
 * - "from": the place to begin at, "next" of the last answer
 * - "test" (sender in normal form, "" the null sender), "login", "client": which rule decides?
 * - "blocked": patterns; which OK rules outrank rules with these patterns?
 *
 * The answer:
 *
 * - "rules": the next RULES_PAGE rules that have not expired; not with "test" or "blocked"
 * - "next": the place of the first rule after them; absent at the end
 * - "decides", "warned": rules, if any; only with "test"
 * - "outranking": [{"passing": rule, "blocked": pattern}, ...], the first RULES_OUTRANKING_MAX, and
 *   "outranking_count"; only with "blocked"
 * - "rules_damaged": how many lines of the command's rules are left out, and "damage": what is
 *   wrong with the first ones ("FILE:LINE: what") */
#pragma once

#include "base/json.h"
#include "rules/ruleset.h"
#include "rules/stored.h"

#define RULES_OUTRANKING_MAX 5
#define RULES_BLOCKED_MAX    1000 /* in one question */
/* json_parse accepts even a page of the longest rules (10 kB each). */
#define RULES_PAGE 1000

struct rules_view {
	struct ruleset *set;
	const char *rules_file; /* for the member "file" */
	bool login_exact;
	int64_t wall;
	const struct stored *stored; /* for the damage; may be NULL */
};

struct json *rule_json(const struct rule *r, const char *rules_file);
/* Adds the answer to reply. *ret_next (may be NULL): its "next". ERR_SYNTAX or ERR_LIMIT for a bad
 * question. */
int rules_answer(const struct rules_view *view, const struct json *question, struct json *reply,
    size_t *ret_next, struct err *err) NODISCARD;

/* A rule for display only: checks texts for control characters and length, compiles nothing.
 * ERR_SYNTAX if it is invalid. */
int rule_of_json(const struct json *o, struct rule *ret, struct err *err) NODISCARD;

/* A rule that is to be set, as members of a request; rule_of_request compiles it. */
void rule_put_request(const struct rule *r, struct json *request);
int rule_of_request(const struct json *request, struct rule *ret, struct err *err) NODISCARD;
