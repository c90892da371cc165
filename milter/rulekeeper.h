/* SPDX-License-Identifier: ISC */
/*
 * The rule keeper: the rule set in force, made of the rules file and of the command's rules
 * (rules/stored.h), which it alone writes while the daemon runs. A new set is built beside the old
 * one, then swapped; a file that is wrong or cannot be read leaves the old rules in force. A change
 * of one side leaves the other as it is.
 *
 * A rule that is set is in force before the answer. Where it cannot be saved it is in force all the
 * same; each second it is tried again. What an admin changes meanwhile in the file is taken over,
 * and what is not saved yet is laid on top.
 *
 * Any thread may call anything. rulekeeper_get, for sessions, and rulekeeper_status never wait for
 * a disk; the others do.
 */
#ifndef PQPURGE_MILTER_RULEKEEPER_H
#define PQPURGE_MILTER_RULEKEEPER_H

#include "base/json.h"
#include "base/settings.h"
#include "rules/ruleset.h"

struct rulekeeper;

/*
 * Reads the rules file (absent: no rules). A file that is unreadable or wrong is an error, with
 * file and line. Nothing of the state directory is touched yet: this may be root. settings outlive
 * it.
 */
int rulekeeper_open(
    const struct settings *settings, struct rulekeeper **ret, struct err *err) NODISCARD;
/*
 * Reads the command's rules and the hits; call it as the daemon's user, with the lock of
 * state_directory held. What cannot be read is logged, and tried again each second.
 */
void rulekeeper_begin(struct rulekeeper *k);
/* Saves what is not saved yet, and the hits. Before the daemon ends. NULL is fine. */
void rulekeeper_stop(struct rulekeeper *k);
void rulekeeper_close(struct rulekeeper *k); /* NULL is fine. Nobody may hold a set any more. */

/* The set in force, counted: ruleset_unref it. */
struct ruleset *rulekeeper_get(struct rulekeeper *k);

/* Reads both files again: SIGUSR1, SIGHUP, "reload". Logs what happened. */
void rulekeeper_reload(struct rulekeeper *k);
/*
 * Each second: reads the files that changed, saves what could not be saved, gathers hits (the file
 * of hits is written every 10 s), lets expired rules go, logs expressions that ran into their match
 * limit.
 */
void rulekeeper_each_second(struct rulekeeper *k);

/*
 * Answers a request of the control protocol; reply is an object that already may have members.
 * 0, or a negative code and words for {"error":...}: ERR_SYNTAX for a request that makes no sense,
 * ERR_LIMIT for too many rules.
 *
 * - {"do":"rules",...}: question and answer as rules/rules_json.h has them, of the rules in force;
 *   and "rules_error", "rules_stored_error", "rules_damaged" as the status has them
 * - {"do":"rule-set","pattern":P,"action":A,"text":T,"expires":SECONDS,"author":U,"reason":R}:
 *   the last four may be absent; "was_there" whether it replaced one, "saved", and "why" not
 * - {"do":"rule-unset","pattern":P}: likewise
 */
int rulekeeper_answer(struct rulekeeper *k, const struct json *request, struct json *reply,
    struct err *err) NODISCARD;

/*
 * For the daemon itself: sets r (released in any case), or removes the rule of this subject. 1
 * there was one, 0 there was none, or a code. In force at once; saved, or tried again.
 */
int rulekeeper_set(struct rulekeeper *k, struct rule *r, struct err *err) NODISCARD;
int rulekeeper_unset(struct rulekeeper *k, const char *subject, struct err *err) NODISCARD;

/*
 * For the status: "rules" (a number: in force, expired ones not counted), "match_limit_errors",
 * "rules_saved" (bool), "rules_damaged" (lines of the command's file that are left out). Only where
 * something is wrong now: "rules_error" (the rules file is; its rules from before are in force) and
 * "rules_stored_error" (the command's rules cannot be read or saved).
 */
void rulekeeper_status(struct rulekeeper *k, struct json *reply);

#endif
