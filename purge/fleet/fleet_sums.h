/* SPDX-License-Identifier: ISC */
/* Groups of many hosts as one list: those of one name added up, the largest first. */
#pragma once

#include "base/json.h"
#include "purge/top/top.h"

struct fleet_group {
	char *name;
	int64_t count, messages, bytes;
	int64_t oldest, newest; /* seconds; 0 unknown */
	int64_t ages[TOP_AGES];
	size_t hosts;
};
/* Zero-initialise. */
struct fleet_sums {
	struct fleet_group *list;
	size_t count, cap;
	int64_t all; /* of all counts */
};
/* A line of top or why of one host; what is none is passed over. -ENOMEM. */
int fleet_sums_add(struct fleet_sums *s, const char *name_key, const char *count_key,
    const struct json *line) NODISCARD;
/* Adds up those of one name, and sorts. */
void fleet_sums_join(struct fleet_sums *s);
void fleet_sums_release(struct fleet_sums *s);
