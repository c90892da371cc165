/* SPDX-License-Identifier: ISC */
/* Hits of rules by subject, in memory and in a file. */
#include "rules/hits.h"

#include <errno.h>
#include <inttypes.h>

#include "rules/ruleset_private.h"

static const char *const origins[] = {"command", "file"};

int hits_add(struct hits *h, const char *subject, bool of_file, uint64_t count)
{
	struct hit hit = {.of_file = of_file, .count = count};

	if (h->count == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 16;
		struct hit *list = reallocarray(h->list, cap, sizeof(*list));

		if (!list)
			return -ENOMEM;
		h->list = list;
		h->cap = cap;
	}
	hit.subject = strdup(subject);
	if (!hit.subject)
		return -ENOMEM;
	h->list[h->count++] = hit;
	h->sorted = false;
	return 0;
}

int hits_gather(struct hits *h, const struct ruleset *set)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);

		if (r->hits)
			rc = hits_add(h, r->subject, r->line != 0, r->hits);
	}
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->of_file != y->of_file ? x->of_file - y->of_file : strcmp(x->subject, y->subject);
}

/* Sorts, and makes one of those with one subject. */
static void sort(struct hits *h)
{
	size_t left = 0;

	if (h->sorted || h->count == 0)
		return;
	qsort(h->list, h->count, sizeof(h->list[0]), compare);
	for (size_t i = 1; i < h->count; i++) {
		if (compare(&h->list[left], &h->list[i]) != 0) {
			h->list[++left] = h->list[i];
			continue;
		}
		h->list[left].count += h->list[i].count;
		free(h->list[i].subject);
	}
	h->count = left + 1;
	h->sorted = true;
}

static uint64_t count_of(struct hits *h, const struct rule *r, bool of_file)
{
	const struct hit want = {.subject = r->subject, .of_file = of_file};
	const struct hit *hit;

	sort(h);
	hit = h->count ? bsearch(&want, h->list, h->count, sizeof(h->list[0]), compare) : NULL;
	return hit ? hit->count : 0;
}

void hits_give(struct hits *h, struct rule_list *rules, bool of_file)
{
	for (size_t i = 0; h->count && i < rules->count; i++) {
		uint64_t count = count_of(h, &rules->list[i], of_file);

		if (count)
			rules->list[i].hits = count;
	}
}

void hits_add_to(struct hits *h, struct ruleset *set)
{
	for (size_t l = 0; h->count && l < LAYER_COUNT; l++) {
		struct rule_layer *layer = set->layers[l];

		for (size_t i = 0; i < layer->count; i++)
			layer->rules[i].hits += count_of(h, &layer->rules[i], l == LAYER_FILE);
	}
}

void hits_release(struct hits *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->list[i].subject);
	free(h->list);
	memset(h, 0, sizeof(*h));
}

/* One line, which it cuts into pieces; false where it makes no sense. */
static bool parse_line(char *line, uint64_t *ret_count, bool *ret_of_file, const char **ret_subject)
{
	char *origin = strchr(line, ' ');
	char *subject = origin ? strchr(origin + 1, ' ') : NULL;

	if (!subject || !subject[1])
		return false;
	*origin++ = *subject++ = '\0';
	*ret_of_file = strcmp(origin, origins[true]) == 0;
	*ret_subject = subject;
	return (*ret_of_file || strcmp(origin, origins[false]) == 0) &&
	       str_parse_u64(line, 1, INT64_MAX, ret_count) == 0;
}

int hits_parse(struct hits *h, const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	struct strbuf line = {0};
	int rc = 0;

	while (rc == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line_len = (size_t)((newline ? newline : end) - at);
		const char *subject;
		uint64_t count;
		bool of_file;

		strbuf_clear(&line);
		strbuf_add(&line, at, line_len);
		at += line_len + (newline ? 1 : 0);
		if (line.failed)
			rc = -ENOMEM;
		else if (line.text && parse_line(line.text, &count, &of_file, &subject))
			rc = hits_add(h, subject, of_file, count);
	}
	strbuf_release(&line);
	return rc;
}

int hits_read(const char *directory, struct hits *h)
{
	struct strbuf path = {0}, text = {0};
	int rc = -ENOMEM;

	strbuf_printf(&path, "%s/" HITS_FILE, directory);
	if (!path.failed)
		rc = rules_file_text(path.text, &text, NULL) == 1
			 ? hits_parse(h, strbuf_text(&text), text.len)
			 : 0;
	strbuf_release(&text);
	strbuf_release(&path);
	return rc;
}

void hits_put(const struct ruleset *set, struct strbuf *out)
{
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *r = ruleset_at(set, i);

		if (r->hits)
			strbuf_printf(
			    out, "%" PRIu64 " %s %s\n", r->hits, origins[r->line != 0], r->subject);
	}
}
