/* SPDX-License-Identifier: ISC */
/* The inside of a rule set, for ruleset.c, ruleset_find.c and hits.c alone. */
#ifndef PQPURGE_RULES_RULESET_PRIVATE_H
#define PQPURGE_RULES_RULESET_PRIVATE_H

#include "rules/rule_layer.h"

/* In the order in which they are asked. */
enum { LAYER_COMMAND, LAYER_FILE, LAYER_COUNT };

struct ruleset {
	struct rule_layer *layers[LAYER_COUNT];
	unsigned char masks[RULE_MASKS]; /* lengths in either layer, longest first */
	size_t mask_count;
	_Atomic size_t references;
};

#endif
