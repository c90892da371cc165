/* SPDX-License-Identifier: ISC */
/*
 * Packed copies of rules. A rule set takes its rules over for good, so whoever wants to build the
 * next one keeps them packed: the stored form (rule.h), which holds nothing compiled.
 */
#ifndef PQPURGE_MILTER_RULEPACK_H
#define PQPURGE_MILTER_RULEPACK_H

#include "rules/rules_file.h"

/* Zero-initialise. */
struct rulepack {
	struct bytes bytes;
};

/* Replaces what is packed by copies of rules; on -ENOMEM the old is kept. */
int rulepack_fill(struct rulepack *pack, const struct rule_list *rules) NODISCARD;
/* Unpacks into *ret (a fresh list). -ENOMEM; a rule that cannot be read back is an error
 * (ERR_DAMAGED, ERR_SYNTAX). */
int rulepack_read(const struct rulepack *pack, struct rule_list *ret) NODISCARD;
void rulepack_release(struct rulepack *pack);

#endif
