/* SPDX-License-Identifier: ISC */
/* One group's counts. Times are wall microseconds. */
#pragma once

#include "index/census/arrivals.h"
#include "index/census/census.h"

struct census_group {
	uint64_t count, bytes;
	int64_t oldest; /* 0: the oldest left; its block tells */
	int64_t newest;
	uint32_t came_until; /* the minute of came's last member */
	uint32_t came[CENSUS_CAME];
	struct arrivals arrivals;
	/* Of the table (census.c). */
	char *name;
	uint64_t hash;
	struct census_group *next;
	size_t place;
};

/* One message's share. */
struct share {
	int64_t arrival;
	uint64_t bytes;
	int64_t now;
	bool changes; /* it was or will be counted under another row */
};

int census_group_add(struct census_group *g, const struct share *s) NODISCARD; /* 0 or -ENOMEM */
void census_group_remove(struct census_group *g, const struct share *s);
/* Puts all but its name. */
void census_group_put(struct census_group *g, int64_t now, struct json *o);
/* Frees what it holds, but not its name. */
void census_group_release(struct census_group *g);
