/* SPDX-License-Identifier: ISC */
#include "rules/ruleset.h"

#include "base/lines.h"
#include "rules/ruleset_private.h"

/* A rule keeps the counter of the rule that it replaces, unless that one had expired. */
static int take_counters(struct rule_layer *layer, const struct rule_layer *before)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < layer->rules.count; i++) {
		struct rule *r = &layer->rules.list[i];
		uint32_t n = before ? rule_table_same(&before->table, r) : RULE_NONE;
		const struct rule *same = n == RULE_NONE ? NULL : &before->rules.list[n];

		if (!r->counter)
			code = rule_share_counter(
			    r, same && !rule_expired(same, r->set_time) ? same : NULL);
	}
	return code;
}

static int compile(struct rule_layer *layer)
{
	int code = rule_table_init(&layer->table, layer->rules.list, layer->rules.count);

	layer->regexes = calloc(layer->rules.count + 1, sizeof(*layer->regexes));
	if (!layer->regexes)
		code = -ENOMEM;
	for (uint32_t i = 0; code == 0 && i < layer->rules.count; i++) {
		struct rule *r = &layer->rules.list[i];

		code = layer->login_exact ? 0 : rule_ignore_login_case(r);
		rule_table_add(&layer->table, i);
		if (r->regex)
			layer->regexes[layer->regex_count++] = i;
		else if (r->class == CLASS_CLIENT)
			layer->has_mask[r->block.bits] = true;
	}
	return code;
}

static struct rule_layer *layer_ref(struct rule_layer *layer)
{
	atomic_fetch_add_explicit(&layer->references, 1, memory_order_relaxed);
	return layer;
}

static void layer_unref(struct rule_layer *layer)
{
	/* acq_rel: whatever other threads did with the layer happens before it is freed. */
	if (!layer || atomic_fetch_sub_explicit(&layer->references, 1, memory_order_acq_rel) != 1)
		return;
	rule_list_release(&layer->rules);
	rule_table_release(&layer->table);
	free(layer->regexes);
	free(layer);
}

/* Takes over the rules (NULL: none) even on failure. */
static struct rule_layer *layer_new(
    struct rule_list *rules, bool login_exact, const struct rule_layer *before)
{
	struct rule_layer *layer = calloc(1, sizeof(*layer));

	if (!layer || (rules && rules->count >= RULE_NONE)) {
		free(layer);
		if (rules)
			rule_list_release(rules);
		return NULL;
	}
	atomic_init(&layer->references, 1);
	layer->login_exact = login_exact;
	if (rules) {
		layer->rules = *rules;
		*rules = (struct rule_list){0};
	}
	if (compile(layer) == 0 && take_counters(layer, before) == 0)
		return layer;
	layer_unref(layer);
	return NULL;
}

/* Takes over all layers even on failure; one that is NULL makes it fail. */
static struct ruleset *join(struct rule_layer *const layers[RULE_ORIGINS])
{
	bool all = layers[RULE_OF_COMMAND] && layers[RULE_OF_FLEET] && layers[RULE_OF_FILE];
	struct ruleset *set = all ? calloc(1, sizeof(*set)) : NULL;

	for (size_t l = 0; !set && l < RULE_ORIGINS; l++)
		layer_unref(layers[l]);
	if (!set)
		return NULL;
	atomic_init(&set->references, 1);
	memcpy(set->layers, layers, sizeof(set->layers));
	for (unsigned bits = RULE_MASKS; bits-- > 0;) {
		bool has = false;

		for (size_t l = 0; l < RULE_ORIGINS; l++)
			has |= layers[l]->has_mask[bits];
		if (has)
			set->masks[set->mask_count++] = (unsigned char)bits;
	}
	return set;
}

struct ruleset *ruleset_new(
    struct rule_list *from_file, struct rule_list *from_command, bool login_exact)
{
	struct rule_layer *const layers[RULE_ORIGINS] = {
	    [RULE_OF_COMMAND] = layer_new(from_command, login_exact, NULL),
	    [RULE_OF_FLEET] = layer_new(NULL, login_exact, NULL),
	    [RULE_OF_FILE] = layer_new(from_file, login_exact, NULL)};

	return join(layers);
}

struct ruleset *ruleset_with(
    const struct ruleset *set, enum rule_origin origin, struct rule_list *rules)
{
	const struct rule_layer *before = set->layers[origin];
	struct rule_layer *layers[RULE_ORIGINS];

	for (size_t l = 0; l < RULE_ORIGINS; l++)
		layers[l] = l == origin ? layer_new(rules, before->login_exact, before)
					: layer_ref(set->layers[l]);
	return join(layers);
}

struct ruleset *ruleset_ref(struct ruleset *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void ruleset_unref(struct ruleset *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < RULE_ORIGINS; i++)
		layer_unref(set->layers[i]);
	free(set);
}

const struct rule_list *ruleset_rules(const struct ruleset *set, enum rule_origin origin)
{
	return &set->layers[origin]->rules;
}

size_t ruleset_count(const struct ruleset *set)
{
	size_t count = 0;

	for (size_t l = 0; set && l < RULE_ORIGINS; l++)
		count += set->layers[l]->rules.count;
	return count;
}

const struct rule *ruleset_at(const struct ruleset *set, size_t n)
{
	size_t layer = 0;

	for (; layer < RULE_OF_FILE && n >= set->layers[layer]->rules.count; layer++)
		n -= set->layers[layer]->rules.count;
	return &set->layers[layer]->rules.list[n];
}

uint64_t ruleset_limit_errors(const struct ruleset *set, ruleset_told *take, void *arg)
{
	uint64_t sum = 0;

	for (size_t l = 0; l < RULE_ORIGINS; l++) {
		const struct rule_layer *layer = set->layers[l];

		for (size_t i = 0; i < layer->regex_count; i++) {
			const struct rule *r = &layer->rules.list[layer->regexes[i]];
			_Atomic uint64_t *counted = &r->counter->limit_errors;
			uint64_t errors = take ? atomic_exchange(counted, 0) : atomic_load(counted);

			if (take && errors)
				take(arg, r, errors);
			sum += errors;
		}
	}
	return sum;
}

static void add_hits(const struct ruleset *set, size_t of, const char *subject, uint64_t hits)
{
	const struct rule_layer *layer = set->layers[of];
	AUTO(rule_release) struct rule same = {0};

	if (rule_make(subject, RULE_OK, NULL, &same, NULL) == 0 &&
	    (layer->login_exact || rule_ignore_login_case(&same) == 0)) {
		uint32_t n = rule_table_same(&layer->table, &same);

		if (n != RULE_NONE)
			atomic_fetch_add(&layer->rules.list[n].counter->hits, hits);
	}
}

static void take_line(const char *line, const struct ruleset *set)
{
	uint64_t hits;
	const char *rest = str_digits(line, &hits);
	char mark[16];

	for (enum rule_origin of = 0; rest && of < RULE_ORIGINS; of++) {
		snprintf(mark, sizeof(mark), " %s ", rule_origin_word(of));
		if (str_starts(rest, mark) && hits > 0 && hits <= INT64_MAX)
			add_hits(set, of, rest + strlen(mark), hits);
	}
}

void hits_take(const char *text, size_t len, const struct ruleset *set)
{
	AUTO(lines_release) struct lines lines = LINES_IN(text, len);

	while (lines_next(&lines) == 1)
		if (!lines.cut)
			take_line(lines.line.text, set);
}

void hits_read(const char *directory, const struct ruleset *set)
{
	AUTO(strbuf_release) struct strbuf path = {0}, text = {0};

	strbuf_printf(&path, "%s/" HITS_FILE, directory);
	if (!path.failed && rules_file_text(path.text, &text, NULL) == 1)
		hits_take(strbuf_text(&text), text.len, set);
}

uint64_t hits_put(const struct ruleset *set, struct strbuf *out)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);
		uint64_t hits = rule_hits(r);

		if (hits)
			strbuf_printf(out, "%" PRIu64 " %s %s\n", hits,
			    rule_origin_word(rule_origin(r)), r->subject);
		sum += hits;
	}
	return sum;
}
