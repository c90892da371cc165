/* SPDX-License-Identifier: ISC */
/* Whether one rule lets mail through that another is meant to stop. */
#ifndef PQPURGE_RULES_OUTRANK_H
#define PQPURGE_RULES_OUTRANK_H

#include "rules/rule.h"

/*
 * Whether passing is an OK rule by which mail would still come through that blocked means to stop:
 * looked up before it, and about some of the same mail. Of two expressions nobody can tell: yes.
 */
bool rule_outranks(const struct rule *passing, const struct rule *blocked);

#endif
