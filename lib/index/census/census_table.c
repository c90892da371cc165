/* SPDX-License-Identifier: ISC */
#include "index/census/census_table.h"

#define LOOKS 8 /* groups among which the smallest is given up */

/* What glibc's malloc takes: 8 bytes more, rounded up to 16, at least 32. */
static size_t piece(size_t size)
{
	size_t whole = (size + 8 + 15) & ~(size_t)15;

	return size == 0 ? 0 : whole < 32 ? 32 : whole;
}

static size_t bytes_of(const struct census_group *g)
{
	return piece(sizeof(*g)) + piece(strlen(g->name) + 1) +
	       piece(g->arrivals.cap * sizeof(*g->arrivals.list));
}

struct census_group *census_table_find(
    const struct census_table *t, const char *name, uint64_t hash)
{
	struct census_group *g = t->slots[hash % CENSUS_SLOTS];

	while (g && (g->hash != hash || strcmp(g->name, name) != 0))
		g = g->next;
	return g;
}

void census_table_drop(struct census_table *t, struct census_group *g)
{
	struct census_group **at = &t->slots[g->hash % CENSUS_SLOTS];

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	t->bytes -= bytes_of(g);
	t->list[g->place] = t->list[--t->count];
	t->list[g->place]->place = g->place;
	arrivals_release(&g->arrivals);
	free(g->name);
	free(g);
}

/* A group that grows is soon never the smallest. */
static void give_up_one(struct census_table *t)
{
	struct census_group *smallest = NULL;

	for (unsigned i = 0; i < LOOKS; i++) {
		struct census_group *g = t->list[t->hand++ % t->count];

		if (!smallest || g->count < smallest->count)
			smallest = g;
	}
	t->others += smallest->count;
	census_table_drop(t, smallest);
}

struct census_group *census_table_add(struct census_table *t, const char *name, uint64_t hash)
{
	struct census_group *g = calloc(1, sizeof(*g));

	if (g)
		g->name = strdup(name);
	if (!g || !g->name) {
		free(g);
		return NULL;
	}
	if (t->count == CENSUS_GROUPS)
		give_up_one(t);
	g->hash = hash;
	g->place = t->count;
	g->next = t->slots[hash % CENSUS_SLOTS];
	t->slots[hash % CENSUS_SLOTS] = g;
	t->list[t->count++] = g;
	t->bytes += bytes_of(g);
	return g;
}

int census_table_count(struct census_table *t, struct census_group *g, const struct share *s)
{
	int code;

	t->bytes -= bytes_of(g);
	code = census_group_add(g, s);
	t->bytes += bytes_of(g);
	while (t->bytes > CENSUS_BYTES)
		give_up_one(t);
	return code;
}

void census_table_release(struct census_table *t)
{
	while (t->count > 0)
		census_table_drop(t, t->list[t->count - 1]);
}
