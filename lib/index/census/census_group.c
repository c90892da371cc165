/* SPDX-License-Identifier: ISC */
#include "index/census/census_group.h"

#include "base/clock.h"

#define MINUTE (60 * USEC_PER_SEC)

static uint32_t minute_of(int64_t wall)
{
	if (wall <= 0)
		return 0;
	return wall / MINUTE < UINT32_MAX ? (uint32_t)(wall / MINUTE) : UINT32_MAX;
}

static void came_move_window(struct census_group *g, uint32_t now)
{
	uint32_t steps;

	if (now <= g->came_until)
		return;
	steps = now - g->came_until;
	g->came_until = now;
	if (steps > CENSUS_CAME)
		steps = CENSUS_CAME;
	memmove(g->came, g->came + steps, (CENSUS_CAME - steps) * sizeof(*g->came));
	memset(g->came + CENSUS_CAME - steps, 0, steps * sizeof(*g->came));
}

/* NULL: the message's minute is too long ago. */
static uint32_t *came_at(struct census_group *g, const struct share *s)
{
	uint32_t minute = minute_of(s->arrival), ago;

	came_move_window(g, minute_of(s->now));
	ago = minute < g->came_until ? g->came_until - minute : 0;
	return ago < CENSUS_CAME ? &g->came[CENSUS_CAME - 1 - ago] : NULL;
}

int census_group_add(struct census_group *g, const struct share *s)
{
	uint32_t *came = came_at(g, s);

	if (arrivals_add(&g->arrivals, minute_of(s->arrival), minute_of(s->now)) < 0)
		return -ENOMEM;
	if (came)
		++*came;
	if (g->count == 0 || (g->oldest != 0 && s->arrival < g->oldest))
		g->oldest = s->arrival;
	if (s->arrival > g->newest)
		g->newest = s->arrival;
	g->count++;
	g->bytes += s->bytes;
	return 0;
}

void census_group_remove(struct census_group *g, const struct share *s)
{
	uint32_t *came = s->changes ? came_at(g, s) : NULL;

	arrivals_remove(&g->arrivals, minute_of(s->arrival), minute_of(s->now));
	if (came && *came > 0)
		--*came;
	if (s->arrival <= g->oldest)
		g->oldest = 0;
	g->count -= g->count > 0;
	g->bytes -= s->bytes < g->bytes ? s->bytes : g->bytes;
}

static int64_t oldest_of(const struct census_group *g)
{
	if (g->count == 0)
		return 0;
	if (g->oldest != 0 || g->arrivals.count == 0)
		return g->oldest;
	return g->arrivals.list[0].minute * MINUTE;
}

static void count_ages(const struct census_group *g, int64_t now, uint64_t ages[GROUP_AGES])
{
	const struct arrivals *a = &g->arrivals;

	for (uint16_t i = 0; i < a->count; i++) {
		int64_t begin = a->list[i].minute * MINUTE;
		int64_t middle = begin + arrivals_width(a, &a->list[i]) * (MINUTE / 2);

		ages[group_age(now - middle)] += a->list[i].count;
	}
}

void census_group_put(struct census_group *g, int64_t now, struct json *o)
{
	uint64_t ages[GROUP_AGES] = {0}, came[CENSUS_CAME];

	arrivals_settle(&g->arrivals, minute_of(now));
	came_move_window(g, minute_of(now));
	count_ages(g, now, ages);
	for (size_t i = 0; i < CENSUS_CAME; i++)
		came[i] = g->came[i];
	json_put_int(o, "count", (int64_t)g->count);
	json_put_int(o, "bytes", (int64_t)g->bytes);
	json_put_int(o, "oldest", oldest_of(g));
	json_put_int(o, "newest", g->count ? g->newest : 0);
	json_put_ints(o, "ages", ages, GROUP_AGES);
	json_put_ints(o, "came", came, CENSUS_CAME);
}
