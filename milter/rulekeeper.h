/* SPDX-License-Identifier: ISC */
/*
 * The rule keeper: the rule set in force, built of the rules file and the command's rules. A new
 * set is built beside the old one, validated, then swapped; a rules file that is wrong leaves the
 * old set in force. What changes on one side leaves the other as it is, so that a block costs the
 * same over a rules file of any length. Any thread may call anything.
 */
#ifndef PQPURGE_MILTER_RULEKEEPER_H
#define PQPURGE_MILTER_RULEKEEPER_H

#include "base/str.h"
#include "rules/ruleset.h"

struct rulekeeper;

/* Reads the file (absent: no rules). A file that is unreadable or wrong is an error, with file and
 * line. */
int rulekeeper_open(const char *file, struct rulekeeper **ret, struct err *err) NODISCARD;
void rulekeeper_close(struct rulekeeper *k); /* NULL is fine. Nobody may hold a set any more. */

/* The set in force, counted: ruleset_unref it. */
struct ruleset *rulekeeper_get(struct rulekeeper *k);

/* The command's rules are these from now on; takes *rules over. For writer_config (arg: the
 * keeper). */
void rulekeeper_set_command(void *k, struct rule_list *rules);
/* Reads the file again, where it changed or by force. Logs what happened. */
void rulekeeper_reload(struct rulekeeper *k, bool force);
/* Hands on all rules' hits since the last call. For writer_config (arg: the keeper). */
void rulekeeper_collect_hits(
    void *k, void (*save)(void *to, const struct rule *r, uint64_t hits), void *to);

/* Logs which expressions ran into their match limit since the last call, with file and line, a line
 * each. */
void rulekeeper_tell_limits(struct rulekeeper *k);

/* Adds "key=value" lines: rules (in all), match_limit_errors, rules_error (only where the file is
 * wrong now). */
void rulekeeper_status(struct rulekeeper *k, struct strbuf *out);

#endif
