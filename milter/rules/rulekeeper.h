/* SPDX-License-Identifier: ISC */
/* The rule set in force: the rules file, the command's rules (rules/stored.h), which only the
 * rule keeper writes while the daemon runs, and the fleet's. A new set is built beside the old
 * one and swapped in. While the rules file is wrong or unreadable, its old rules stay in force.
 *
 * A rule is in force before its setter gets the answer. If it cannot be saved it is still in
 * force, and saving is retried each second. An admin's changes of the file meanwhile are taken
 * over, with the unsaved changes on top.
 *
 * Any thread may call anything. rulekeeper_get and rulekeeper_status never wait for a disk; the
 * others do. */
#pragma once

#include "base/json.h"
#include "base/settings/settings.h"
#include "rules/ruleset.h"

struct rulekeeper;

/* Reads the rules file (absent: no rules); an error names file and line. Does not touch the state
 * directory, so it may run as root. settings must outlive it. */
int rulekeeper_open(
    const struct settings *settings, struct rulekeeper **ret, struct err *err) NODISCARD;
/* Reads the command's rules and hits. Call it as the daemon's user with state_directory locked.
 * Failures are logged and retried each second. */
void rulekeeper_begin(struct rulekeeper *k);
/* At the daemon's end. Accepts NULL. */
void rulekeeper_stop(struct rulekeeper *k);
void rulekeeper_close(struct rulekeeper *k); /* no set may be in use */

/* ruleset_unref it. */
struct ruleset *rulekeeper_get(struct rulekeeper *k);

/* Reads both files again, and logs the result. */
void rulekeeper_reload(struct rulekeeper *k);
/* Reads changed files, retries saving, writes hits (every 10 s), drops expired rules, logs
 * expressions that reached their match limit. */
void rulekeeper_each_second(struct rulekeeper *k);

/*
 * Answers a request of the control protocol, whose body (may be NULL) is JSON; reply is an object
 * that already may have members. 0, or a negative code and words for {"error":...}: ERR_SYNTAX for
 * an invalid request, ERR_LIMIT for too many rules.
 *
 * - {"do":"rules",...}: a question about the rules in force; question and answer are in
 *   rules/rules_json.h. Also "rules_error", "rules_stored_error", "rules_damaged" as in the status
 * - {"do":"rule-set","pattern":P,"action":A,"text":T,"expires":SECONDS,"author":U,"reason":R}:
 *   the last four may be absent. "was_there": whether it replaced one; "saved"; if not saved, "why"
 * - {"do":"rule-unset","pattern":P}: likewise
 * - {"do":"rule-fleet","replace":B,"rules":[{"subject":P,"action":A,"text":T,"reason":R,"set_by":U,
 *   "left_us":N},...]}: rules of origin fleet, in force for N microseconds, or without N until they
 *   are taken back. A rule without action is taken back. If B is true, the set replaces all of
 *   them. A sealed body {"rules":[...]} may replace "rules". The whole set is applied at once:
 *   "rules" (in force), "refused" (left out, as fleet_allow or the grammar forbids them), "why" the
 *   first was refused, "saved". ERR_REFUSED if fleet_allow lacks "block"
 */
int rulekeeper_answer(struct rulekeeper *k, const struct json *request, const struct json *body,
    struct json *reply, struct err *err) NODISCARD;

/* For the daemon itself: sets r (released in any case), or removes the rule of this subject. 1:
 * replaced or removed one; 0: there was none; or a code. In force at once; if it cannot be
 * saved, that is retried. */
int rulekeeper_set(struct rulekeeper *k, struct rule *r, struct err *err) NODISCARD;
int rulekeeper_unset(struct rulekeeper *k, const char *subject, struct err *err) NODISCARD;

/* For the status: "rules" (in force, without expired ones), "match_limit_errors", "rules_saved"
 * (bool), "rules_damaged" (lines of the command's file that are left out). Only if something is
 * wrong now: "rules_error" (of the rules file, whose old rules are in force) and
 * "rules_stored_error" (the command's rules cannot be read or saved). */
void rulekeeper_status(struct rulekeeper *k, struct json *reply);
