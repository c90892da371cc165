/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_sums.h"

#define NUMBER_MAX (INT64_C(1) << 50)

int64_t fleet_sums_number(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 && n < NUMBER_MAX ? n : 0;
}

void fleet_sums_increase(int64_t *to, int64_t n)
{
	*to += n <= INT64_MAX / 2 - *to ? n : 0;
}

static void add_line(struct fleet_group *g, int64_t count, const struct json *line)
{
	int64_t oldest = fleet_sums_number(line, "oldest");
	int64_t newest = fleet_sums_number(line, "newest");

	fleet_sums_increase(&g->count, count);
	fleet_sums_increase(&g->messages, fleet_sums_number(line, "messages"));
	fleet_sums_increase(&g->bytes, fleet_sums_number(line, "bytes"));
	g->hosts++;
	if (oldest && (!g->oldest || oldest < g->oldest))
		g->oldest = oldest;
	if (newest > g->newest)
		g->newest = newest;
	for (size_t n = 0; n < TOP_AGES; n++)
		if (json_at(line, "ages", n))
			fleet_sums_increase(
			    &g->ages[n], fleet_sums_number(json_at(line, "ages", n), NULL));
}

int fleet_sums_add(struct fleet_sums *s, const char *name_key, const char *count_key,
    const struct json *line, struct fleet_group **ret)
{
	const char *name = json_text(line, name_key);
	int64_t count = fleet_sums_number(line, count_key);
	size_t at;

	*ret = NULL;
	if (!name || count == 0)
		return 0;
	s->names.value_size = sizeof(struct fleet_group);
	int code = labels_number(&s->names, name, 0, &at);
	if (code < 0)
		return code;
	*ret = (struct fleet_group *)s->names.values + at;
	add_line(*ret, count, line);
	fleet_sums_increase(&s->all, count);
	fleet_sums_weigh(s, strlen(name));
	return 0;
}

void fleet_sums_weigh(struct fleet_sums *s, size_t len)
{
	s->bytes += len;
	s->host_bytes += len;
}

void fleet_sums_begin(struct fleet_sums *s)
{
	s->host_bytes = 0;
}

bool fleet_sums_full(const struct fleet_sums *s)
{
	return s->host_bytes >= FLEET_SUMS_HOST || s->bytes >= FLEET_SUMS_ALL;
}

void fleet_sums_close(struct fleet_sums *s)
{
	s->count = s->names.count;
	s->list = labels_sort(&s->names, labels_by_count);
	for (size_t n = 0; n < s->count; n++)
		array_sort(&s->list[n].shares, labels_by_count);
}

void fleet_sums_release(struct fleet_sums *s)
{
	for (size_t n = 0; n < s->names.count; n++) {
		struct fleet_group *g = (struct fleet_group *)s->names.values + n;

		for (size_t i = 0; i < g->shares.count; i++)
			free(g->shares.list[i].name);
		free(g->shares.list);
		json_free(g->example);
	}
	labels_release(&s->names);
	*s = (struct fleet_sums){0};
}
