/* SPDX-License-Identifier: ISC */
/* The rules of one origin: building, counting. Searching them: ruleset_find.c. */
#include "rules/rule_layer.h"

#include <errno.h>

static int allocate(struct rule_layer *layer)
{
	size_t regexes = 0;

	for (size_t i = 0; i < layer->count; i++)
		regexes += layer->rules[i].regex != NULL;
	layer->counters = calloc(layer->count + 1, sizeof(*layer->counters));
	layer->regexes = calloc(regexes + 1, sizeof(*layer->regexes));
	layer->limit_errors = calloc(regexes + 1, sizeof(*layer->limit_errors));
	if (!layer->counters || !layer->regexes || !layer->limit_errors)
		return -ENOMEM;
	return rule_table_init(&layer->table, layer->rules, layer->count - regexes);
}

static int ignore_login_case(struct rule_layer *layer)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < layer->count; i++)
		code = rule_ignore_login_case(&layer->rules[i]);
	return code;
}

static int compile(struct rule_layer *layer)
{
	int code = layer->config.login_exact ? 0 : ignore_login_case(layer);

	if (code == 0)
		code = allocate(layer);
	if (code != 0)
		return code;
	for (uint32_t i = 0; i < layer->count; i++) {
		const struct rule *r = &layer->rules[i];

		if (r->regex) {
			layer->regexes[layer->regex_count++] = i;
			continue;
		}
		rule_table_add(&layer->table, i);
		if (r->kind == RULE_CLIENT)
			layer->has_mask[r->block.bits] = true;
	}
	return 0;
}

struct rule_layer *rule_layer_new(struct rule_list *rules, const struct ruleset_config *config)
{
	struct rule_layer *layer = calloc(1, sizeof(*layer));

	if (!layer || (rules && rules->count >= RULE_NONE)) {
		free(layer);
		if (rules)
			rule_list_release(rules);
		return NULL;
	}
	atomic_init(&layer->references, 1);
	atomic_init(&layer->first_hit, RULE_NONE);
	layer->config = *config;
	if (rules) {
		layer->rules = rules->list;
		layer->count = rules->count;
		*rules = (struct rule_list){0};
	}
	if (compile(layer) == 0)
		return layer;
	rule_layer_unref(layer);
	return NULL;
}

struct rule_layer *rule_layer_ref(struct rule_layer *layer)
{
	atomic_fetch_add_explicit(&layer->references, 1, memory_order_relaxed);
	return layer;
}

/* Returns of how many rules it told. */
static size_t take_hits(struct rule_layer *layer, ruleset_told *fn, void *arg)
{
	uint32_t n = RULE_NONE;
	size_t told = 0;

	/* Where nothing was hit, nothing is written: the line stays shared by all processors. */
	if (layer->counters && atomic_load_explicit(&layer->first_hit, memory_order_relaxed) != n)
		n = atomic_exchange_explicit(&layer->first_hit, RULE_NONE, memory_order_acquire);
	while (n != RULE_NONE) {
		struct rule_counter *c = &layer->counters[n];
		uint32_t next = atomic_load_explicit(&c->next, memory_order_relaxed);

		fn(arg, &layer->rules[n],
		    atomic_exchange_explicit(&c->hits, 0, memory_order_acq_rel));
		n = next;
		told++;
	}
	return told;
}

void rule_layer_unref(struct rule_layer *layer)
{
	/* What other threads did with it happens before it is freed. */
	if (!layer || atomic_fetch_sub_explicit(&layer->references, 1, memory_order_acq_rel) != 1)
		return;
	if (layer->config.late_hits)
		take_hits(layer, layer->config.late_hits, layer->config.arg);
	if (layer->config.limit_errors)
		rule_layer_take_limit_errors(layer, layer->config.limit_errors, layer->config.arg);
	for (size_t i = 0; i < layer->count; i++)
		rule_release(&layer->rules[i]);
	rule_table_release(&layer->table);
	free(layer->rules);
	free(layer->regexes);
	free(layer->counters);
	free((void *)layer->limit_errors);
	free(layer);
}

/*
 * Whoever counts the first hit puts the rule into the list. It is taken out before its hits are, so
 * that it is in there once at most, and a hit counted in between puts it in again.
 */
void rule_layer_count_hit(struct rule_layer *layer, uint32_t n)
{
	struct rule_counter *c = &layer->counters[n];
	uint32_t first;

	if (atomic_fetch_add_explicit(&c->hits, 1, memory_order_acq_rel) != 0)
		return;
	first = atomic_load_explicit(&layer->first_hit, memory_order_relaxed);
	do
		atomic_store_explicit(&c->next, first, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
	    &layer->first_hit, &first, n, memory_order_release, memory_order_relaxed));
}

static void add_hits(void *layer, const struct rule *r, uint64_t hits)
{
	struct rule_layer *own = layer;

	own->rules[r - own->rules].hits += hits;
}

bool rule_layer_gather_hits(struct rule_layer *layer)
{
	return take_hits(layer, add_hits, layer) > 0;
}

void rule_layer_count_limit_error(struct rule_layer *layer, size_t i)
{
	atomic_fetch_add_explicit(&layer->limit_errors[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&layer->limit_error_sum, 1, memory_order_release);
}

void rule_layer_take_limit_errors(struct rule_layer *layer, ruleset_told *fn, void *arg)
{
	if (atomic_load_explicit(&layer->limit_error_sum, memory_order_acquire) == 0)
		return;
	for (size_t i = 0; i < layer->regex_count; i++) {
		uint64_t errors =
		    atomic_exchange_explicit(&layer->limit_errors[i], 0, memory_order_relaxed);

		if (errors == 0)
			continue;
		atomic_fetch_sub_explicit(&layer->limit_error_sum, errors, memory_order_relaxed);
		fn(arg, &layer->rules[layer->regexes[i]], errors);
	}
}
