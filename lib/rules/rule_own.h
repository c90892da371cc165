/* SPDX-License-Identifier: ISC */
/* For rule.c and rule_parse.c alone: the texts that a rule owns. */
#ifndef PQPURGE_RULES_RULE_OWN_H
#define PQPURGE_RULES_RULE_OWN_H

/* Puts a copy of text at *at in place of what was there (NULL: nothing). 0 or -ENOMEM. */
int rule_own(char **at, const char *text);
void rule_disown(char **at);

#endif
