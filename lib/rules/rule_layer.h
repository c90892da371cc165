/* SPDX-License-Identifier: ISC */
/*
 * Part of the rule set: the rules of one origin (the file, or the command), compiled for searching,
 * with what was counted of each. Rules (but for their hits) and tables are only read once it is
 * made; the counters are atomic. Several rule sets share it, one after the other: a new rule of the
 * command leaves the file's rules as they are, however many.
 *
 * What changes is kept in a list, so that taking the counts costs what was hit and not what there
 * is.
 */
#ifndef PQPURGE_RULES_RULE_LAYER_H
#define PQPURGE_RULES_RULE_LAYER_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "rules/rule_table.h"
#include "rules/ruleset.h"

#define RULE_MASKS 129 /* mask lengths, 0 to 128 */

struct rule_counter {
	_Atomic uint64_t hits; /* since they were gathered */
	_Atomic uint32_t next; /* in the list of those with hits; RULE_NONE ends it */
};

struct rule_layer {
	struct rule *rules;
	size_t count;
	struct rule_table table; /* all but expressions */
	uint32_t *regexes;       /* places of the expressions, in the order they are asked */
	size_t regex_count;
	bool has_mask[RULE_MASKS]; /* of client rules */
	struct rule_counter *counters;
	_Atomic uint32_t first_hit;     /* head of that list */
	_Atomic uint64_t *limit_errors; /* of each expression, since they were taken */
	_Atomic uint64_t limit_error_sum;
	struct ruleset_config config;
	_Atomic size_t references;
};

/* Takes the rules over (NULL: none), also where it fails: NULL on no memory. */
struct rule_layer *rule_layer_new(struct rule_list *rules, const struct ruleset_config *config);
struct rule_layer *rule_layer_ref(struct rule_layer *layer);
void rule_layer_unref(struct rule_layer *layer); /* NULL is fine; the last one tells late hits */

void rule_layer_count_hit(struct rule_layer *layer, uint32_t n);
/*
 * Adds what was counted to the rules' own hits; true where anything was. One thread at a time,
 * which alone reads those.
 */
bool rule_layer_gather_hits(struct rule_layer *layer);
/* The expression at place i of regexes ran into its limits. */
void rule_layer_count_limit_error(struct rule_layer *layer, size_t i);
void rule_layer_take_limit_errors(struct rule_layer *layer, ruleset_told *fn, void *arg);

#endif
