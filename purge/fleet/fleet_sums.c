/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_sums.h"

#include "base/array.h"

#define NUMBER_MAX (INT64_C(1) << 50)

/* A host's number; what makes no sense is 0. */
static int64_t number(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 && n < NUMBER_MAX ? n : 0;
}

/* A sum stays one, however many hosts lie. */
static void add_number(int64_t *to, int64_t n)
{
	*to += n <= INT64_MAX / 2 - *to ? n : 0;
}

int fleet_sums_add(
    struct fleet_sums *s, const char *name_key, const char *count_key, const struct json *line)
{
	const char *name = json_text(line, name_key);
	struct fleet_group g = {.count = number(line, count_key),
	    .messages = number(line, "messages"),
	    .bytes = number(line, "bytes"),
	    .oldest = number(line, "oldest"),
	    .newest = number(line, "newest"),
	    .hosts = 1};

	if (!name || g.count == 0)
		return 0;
	for (size_t n = 0; n < TOP_AGES; n++)
		if (json_at(line, "ages", n))
			g.ages[n] = number(json_at(line, "ages", n), NULL);
	g.name = strdup(name);
	if (!g.name || array_add(s, g) < 0) {
		free(g.name);
		return -ENOMEM;
	}
	add_number(&s->all, g.count);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct fleet_group *)a)->name, ((const struct fleet_group *)b)->name);
}

static int by_count(const void *a, const void *b)
{
	const struct fleet_group *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

static void add(struct fleet_group *to, const struct fleet_group *g)
{
	add_number(&to->count, g->count);
	add_number(&to->messages, g->messages);
	add_number(&to->bytes, g->bytes);
	to->hosts++;
	if (g->oldest && (!to->oldest || g->oldest < to->oldest))
		to->oldest = g->oldest;
	if (g->newest > to->newest)
		to->newest = g->newest;
	for (size_t n = 0; n < TOP_AGES; n++)
		add_number(&to->ages[n], g->ages[n]);
}

void fleet_sums_join(struct fleet_sums *s)
{
	size_t left = 0;

	if (s->count == 0)
		return;
	qsort(s->list, s->count, sizeof(*s->list), by_name);
	for (size_t n = 1; n < s->count; n++) {
		if (strcmp(s->list[n].name, s->list[left].name) == 0) {
			add(&s->list[left], &s->list[n]);
			free(s->list[n].name);
		} else {
			s->list[++left] = s->list[n];
		}
	}
	s->count = left + 1;
	qsort(s->list, s->count, sizeof(*s->list), by_count);
}

void fleet_sums_release(struct fleet_sums *s)
{
	for (size_t n = 0; n < s->count; n++)
		free(s->list[n].name);
	free(s->list);
	*s = (struct fleet_sums){0};
}
