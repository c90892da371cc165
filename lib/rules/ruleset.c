/* SPDX-License-Identifier: ISC */
/* A rule set: building and counting. Searching: ruleset_find.c. */
#include "rules/ruleset.h"

#include <errno.h>

#include "rules/ruleset_private.h"

/* Appends a list's rules to the set's and leaves the list empty. */
static void move_rules(struct ruleset *set, struct rule_list *list)
{
	if (!list)
		return;
	if (list->count > 0)
		memcpy(set->rules + set->count, list->list, list->count * sizeof(*list->list));
	set->count += list->count;
	list->count = 0;
	rule_list_release(list);
}

static bool is_regex(const struct rule *r)
{
	return r->kind == RULE_PATTERN && r->pattern_kind == PATTERN_REGEX;
}

/* The command's expressions by when they were set; at one time, and in the file, as they came. */
static int by_rank(const void *a, const void *b, void *arg)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct rule *rules = arg;

	if (rules[i].set_time != rules[j].set_time)
		return rules[i].set_time < rules[j].set_time ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* Keeps the distinct mask lengths, longest first. */
static void add_length(struct ruleset *set, unsigned bits)
{
	size_t at = 0;

	while (at < set->length_count && set->lengths[at] > bits)
		at++;
	if (at < set->length_count && set->lengths[at] == bits)
		return;
	memmove(set->lengths + at + 1, set->lengths + at, set->length_count - at);
	set->lengths[at] = (unsigned char)bits;
	set->length_count++;
}

static int compile(struct ruleset *set)
{
	size_t regexes = 0, of_command = 0;

	for (size_t i = 0; i < set->count; i++)
		regexes += is_regex(&set->rules[i]);
	set->regexes = calloc(regexes + 1, sizeof(*set->regexes));
	if (!set->regexes)
		return -ENOMEM;
	if (rule_table_init(&set->table, set->rules, set->count - regexes) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++) {
		if (is_regex(&set->rules[i])) {
			set->regexes[set->regex_count++] = i;
			of_command += i < set->command_count;
			continue;
		}
		rule_table_add(&set->table, i, i < set->command_count);
		if (set->rules[i].kind == RULE_CLIENT)
			add_length(set, set->rules[i].block.bits);
	}
	qsort_r(set->regexes, of_command, sizeof(*set->regexes), by_rank, set->rules);
	return 0;
}

struct ruleset *ruleset_new(struct rule_list *from_file, struct rule_list *from_command)
{
	size_t commands = from_command ? from_command->count : 0;
	size_t count = commands + (from_file ? from_file->count : 0);
	struct ruleset *set = calloc(1, sizeof(*set));
	struct rule *rules = calloc(count + 1, sizeof(*rules));
	_Atomic uint64_t *hits = calloc(count + 1, sizeof(*hits));

	if (!set || !rules || !hits || count >= RULE_NONE)
		goto out;
	atomic_init(&set->references, 1);
	set->rules = rules;
	set->hits = hits;
	set->command_count = commands;
	move_rules(set, from_command);
	move_rules(set, from_file);
	if (compile(set) == 0)
		return set;
	ruleset_unref(set);
	return NULL;
out:
	free(set);
	free(rules);
	free((void *)hits);
	if (from_command)
		rule_list_release(from_command);
	if (from_file)
		rule_list_release(from_file);
	return NULL;
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
	for (size_t i = 0; i < set->count; i++)
		rule_release(&set->rules[i]);
	rule_table_release(&set->table);
	free(set->regexes);
	free(set->rules);
	free((void *)set->hits);
	free(set);
}

void ruleset_count_hit(struct ruleset *set, size_t index)
{
	if (set && index < set->count)
		atomic_fetch_add_explicit(&set->hits[index], 1, memory_order_relaxed);
}

void ruleset_take_hits(
    struct ruleset *set, void (*fn)(void *arg, const struct rule *r, uint64_t hits), void *arg)
{
	for (size_t i = 0; i < set->count; i++) {
		uint64_t hits = atomic_exchange_explicit(&set->hits[i], 0, memory_order_relaxed);

		if (hits > 0)
			fn(arg, &set->rules[i], hits);
	}
}

size_t ruleset_count(const struct ruleset *set)
{
	return set ? set->count : 0;
}

const struct rule *ruleset_at(const struct ruleset *set, size_t n)
{
	return &set->rules[n];
}

uint64_t ruleset_limit_errors(const struct ruleset *set)
{
	return atomic_load_explicit(&set->limit_errors, memory_order_relaxed);
}
