/* SPDX-License-Identifier: ISC */
/* A rule set: two layers put together, and what is counted of them. Searching: ruleset_find.c. */
#include "rules/ruleset.h"

#include "rules/ruleset_private.h"

/* Takes both layers over, also where it fails; either may be NULL for one that failed. */
static struct ruleset *join(struct rule_layer *command, struct rule_layer *file)
{
	struct ruleset *set = command && file ? calloc(1, sizeof(*set)) : NULL;

	if (!set) {
		rule_layer_unref(command);
		rule_layer_unref(file);
		return NULL;
	}
	atomic_init(&set->references, 1);
	set->layers[LAYER_COMMAND] = command;
	set->layers[LAYER_FILE] = file;
	for (unsigned bits = RULE_MASKS; bits-- > 0;) {
		if (command->has_mask[bits] || file->has_mask[bits])
			set->masks[set->mask_count++] = (unsigned char)bits;
	}
	return set;
}

struct ruleset *ruleset_new(struct rule_list *from_file, struct rule_list *from_command,
    const struct ruleset_config *config)
{
	static const struct ruleset_config defaults;
	const struct ruleset_config *c = config ? config : &defaults;
	struct rule_layer *command = rule_layer_new(from_command, c);
	struct rule_layer *file = rule_layer_new(from_file, c);

	return join(command, file);
}

struct ruleset *ruleset_with_file(const struct ruleset *set, struct rule_list *from_file)
{
	const struct ruleset_config *config = &set->layers[LAYER_FILE]->config;
	struct rule_layer *file = rule_layer_new(from_file, config);

	return file ? join(rule_layer_ref(set->layers[LAYER_COMMAND]), file) : NULL;
}

struct ruleset *ruleset_with_command(const struct ruleset *set, struct rule_list *from_command)
{
	const struct ruleset_config *config = &set->layers[LAYER_COMMAND]->config;
	struct rule_layer *command = rule_layer_new(from_command, config);

	return command ? join(command, rule_layer_ref(set->layers[LAYER_FILE])) : NULL;
}

struct ruleset *ruleset_ref(struct ruleset *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void ruleset_unref(struct ruleset *set)
{
	/* What other threads did with the set happens before it is freed. */
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < LAYER_COUNT; i++)
		rule_layer_unref(set->layers[i]);
	free(set);
}

/* The layer of the rule at a place, which becomes the place in the layer; NULL past the end. */
static struct rule_layer *layer_of(const struct ruleset *set, size_t *place)
{
	for (size_t i = 0; i < LAYER_COUNT; i++) {
		if (*place < set->layers[i]->count)
			return set->layers[i];
		*place -= set->layers[i]->count;
	}
	return NULL;
}

void ruleset_count_hit(struct ruleset *set, size_t index)
{
	struct rule_layer *layer = set ? layer_of(set, &index) : NULL;

	if (layer)
		rule_layer_count_hit(layer, (uint32_t)index);
}

bool ruleset_gather_hits(struct ruleset *set)
{
	bool any = false;

	for (size_t i = 0; i < LAYER_COUNT; i++)
		any = rule_layer_gather_hits(set->layers[i]) || any;
	return any;
}

void ruleset_take_limit_errors(struct ruleset *set, ruleset_told *fn, void *arg)
{
	for (size_t i = 0; i < LAYER_COUNT; i++)
		rule_layer_take_limit_errors(set->layers[i], fn, arg);
}

uint64_t ruleset_limit_errors(const struct ruleset *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LAYER_COUNT; i++)
		sum += atomic_load_explicit(&set->layers[i]->limit_error_sum, memory_order_relaxed);
	return sum;
}

size_t ruleset_count(const struct ruleset *set)
{
	return set ? set->layers[LAYER_COMMAND]->count + set->layers[LAYER_FILE]->count : 0;
}

size_t ruleset_command_count(const struct ruleset *set)
{
	return set ? set->layers[LAYER_COMMAND]->count : 0;
}

const struct rule *ruleset_at(const struct ruleset *set, size_t n)
{
	return &layer_of(set, &n)->rules[n];
}
