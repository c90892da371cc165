/* SPDX-License-Identifier: ISC */
/* For the files of this room alone: the texts and the expression that a rule owns. */
#ifndef PQPURGE_RULES_RULE_OWN_H
#define PQPURGE_RULES_RULE_OWN_H

#include "rules/rule.h"

/* Puts a copy of text at *at in place of what was there (NULL: nothing). 0 or -ENOMEM. */
int rule_own(char **at, const char *text);
void rule_disown(char **at);
/* Takes *p over, also where it fails, in place of the expression that was there. */
int rule_own_regex(struct rule *r, struct pattern *p) NODISCARD;

#endif
