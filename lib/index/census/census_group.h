/* SPDX-License-Identifier: ISC */
/* Times are wall clock, microseconds. */
#pragma once

#include "index/census/arrivals.h"
#include "index/census/census.h"

struct census_group {
	uint64_t count, bytes;
	int64_t oldest; /* 0: ask arrivals, because the oldest message left */
	int64_t newest;
	uint32_t came_until; /* the minute of came's last member */
	uint32_t came[CENSUS_CAME];
	struct arrivals arrivals;
	/* For census_table.c. */
	char *name;
	uint64_t hash;
	struct census_group *next;
	size_t place;
};

struct share {
	int64_t arrival;
	uint64_t bytes;
	int64_t now;
	bool changes; /* its row replaces another, or will be replaced */
};

int census_group_add(struct census_group *g, const struct share *s) NODISCARD;
void census_group_remove(struct census_group *g, const struct share *s);
void census_group_put(struct census_group *g, int64_t now, struct json *o);
