/* SPDX-License-Identifier: ISC */
/* The inside of a rule set, for ruleset.c and ruleset_find.c alone. */
#ifndef PQPURGE_RULES_RULESET_PRIVATE_H
#define PQPURGE_RULES_RULESET_PRIVATE_H

#include <stdatomic.h>

#include "rules/rule_table.h"
#include "rules/ruleset.h"

#define RULE_MASKS 129 /* mask lengths, 0 to 128 */

/* In the order in which they are asked. */
enum { LAYER_COMMAND, LAYER_FILE, LAYER_COUNT };

/*
 * The rules of one origin, compiled for searching; only read once it is made. Several sets share
 * it, one after the other: a new rule of the command leaves the file's rules as they are, however
 * many.
 */
struct rule_layer {
	struct rule *rules;
	size_t count;
	struct rule_table table;
	uint32_t *regexes; /* places of the expressions, in the order they are asked */
	size_t regex_count;
	bool has_mask[RULE_MASKS]; /* of client rules */
	bool login_exact;
	_Atomic size_t references;
};

struct ruleset {
	struct rule_layer *layers[LAYER_COUNT];
	unsigned char masks[RULE_MASKS]; /* lengths in either layer, longest first */
	size_t mask_count;
	_Atomic size_t references;
};

#endif
