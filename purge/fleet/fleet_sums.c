/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_sums.h"

#include "base/array.h"

#define NUMBER_MAX (INT64_C(1) << 50)

/* A host may send nonsense, which is 0. */
static int64_t number(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 && n < NUMBER_MAX ? n : 0;
}

static void add_saturating(int64_t *to, int64_t n)
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
	    .hosts = 1,
	    .place = s->count};

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
	add_saturating(&s->all, g.count);
	return 0;
}

void fleet_sums_begin(struct fleet_sums *s)
{
	s->host_bytes = 0;
}

void fleet_sums_weigh(struct fleet_sums *s)
{
	const struct fleet_group *g = s->count > 0 ? &s->list[s->count - 1] : NULL;
	size_t bytes = g ? strlen(g->name) + g->example.len : 0;

	for (size_t n = 0; g && n < g->share_count; n++)
		bytes += strlen(g->shares[n].name);
	s->bytes += bytes;
	s->host_bytes += bytes;
}

bool fleet_sums_full(const struct fleet_sums *s)
{
	return s->host_bytes >= FLEET_SUMS_HOST || s->bytes >= FLEET_SUMS_ALL;
}

/* Of groups with equal names the largest comes first, because its example is kept. */
static int by_name(const void *a, const void *b)
{
	const struct fleet_group *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order == 0 && x->count != y->count)
		order = x->count < y->count ? 1 : -1;
	return order ?: (x->place > y->place) - (x->place < y->place);
}

static int share_by_name(const void *a, const void *b)
{
	return strcmp(((const struct fleet_share *)a)->name, ((const struct fleet_share *)b)->name);
}

static void join_shares(struct fleet_group *g)
{
	size_t left = 0;

	if (g->share_count == 0)
		return;
	qsort(g->shares, g->share_count, sizeof(*g->shares), share_by_name);
	for (size_t n = 1; n < g->share_count; n++) {
		if (strcmp(g->shares[n].name, g->shares[left].name) == 0) {
			add_saturating(&g->shares[left].count, g->shares[n].count);
			free(g->shares[n].name);
		} else {
			g->shares[++left] = g->shares[n];
		}
	}
	g->share_count = left + 1;
	qsort(g->shares, g->share_count, sizeof(*g->shares), labels_by_count);
}

/* If out of memory, leaves the shares out. */
static void add_shares(struct fleet_group *to, struct fleet_group *g)
{
	struct fleet_share *list =
	    reallocarray(to->shares, to->share_count + g->share_count + 1, sizeof(*list));

	if (!list)
		return;
	memcpy(list + to->share_count, g->shares, g->share_count * sizeof(*list));
	to->shares = list;
	to->share_count += g->share_count;
	g->share_count = 0;
}

static void release(struct fleet_group *g)
{
	for (size_t n = 0; n < g->share_count; n++)
		free(g->shares[n].name);
	free(g->shares);
	strbuf_release(&g->example);
	free(g->name);
}

/* Releases g. */
static void add(struct fleet_group *to, struct fleet_group *g)
{
	add_saturating(&to->count, g->count);
	add_saturating(&to->messages, g->messages);
	add_saturating(&to->bytes, g->bytes);
	to->hosts++;
	if (g->oldest && (!to->oldest || g->oldest < to->oldest))
		to->oldest = g->oldest;
	if (g->newest > to->newest)
		to->newest = g->newest;
	for (size_t n = 0; n < TOP_AGES; n++)
		add_saturating(&to->ages[n], g->ages[n]);
	if (g->share_count)
		add_shares(to, g);
	release(g);
}

void fleet_sums_join(struct fleet_sums *s)
{
	size_t left = 0;

	if (s->count == 0)
		return;
	qsort(s->list, s->count, sizeof(*s->list), by_name);
	for (size_t n = 1; n < s->count; n++) {
		if (strcmp(s->list[n].name, s->list[left].name) == 0)
			add(&s->list[left], &s->list[n]);
		else
			s->list[++left] = s->list[n];
	}
	s->count = left + 1;
	for (size_t n = 0; n < s->count; n++)
		join_shares(&s->list[n]);
	qsort(s->list, s->count, sizeof(*s->list), labels_by_count);
}

void fleet_sums_release(struct fleet_sums *s)
{
	for (size_t n = 0; n < s->count; n++)
		release(&s->list[n]);
	free(s->list);
	*s = (struct fleet_sums){0};
}
