/* SPDX-License-Identifier: ISC */
/* The inside of a rule set, for ruleset.c and ruleset_find.c alone. */
#ifndef PQPURGE_RULES_RULESET_PRIVATE_H
#define PQPURGE_RULES_RULESET_PRIVATE_H

#include <stdatomic.h>

#include "rules/rule_table.h"
#include "rules/ruleset.h"

struct ruleset {
	struct rule *rules; /* the command's first */
	size_t count, command_count;
	struct rule_table table; /* all but expressions */
	uint32_t *regexes;       /* places of the expressions, in the order they are asked */
	size_t regex_count;
	unsigned char lengths[129]; /* mask lengths of client rules, longest first */
	size_t length_count;
	_Atomic uint64_t *hits; /* one for each rule, since they were last taken */
	_Atomic uint64_t limit_errors;
	_Atomic size_t references;
};

#endif
