/* SPDX-License-Identifier: ISC */
/* The groups of one kind. */
#pragma once

#include "index/census/census_group.h"

#define CENSUS_SLOTS (2 * CENSUS_GROUPS)

struct census_table {
	struct census_group *slots[CENSUS_SLOTS]; /* chains, by hash */
	struct census_group *list[CENSUS_GROUPS];
	size_t count;
	size_t bytes;    /* that the groups take, as malloc(3) counts them */
	size_t hand;     /* the search for a group to give up continues here */
	uint64_t others; /* messages of groups that were given up */
};

struct census_group *census_table_find(
    const struct census_table *t, const char *name, uint64_t hash);
/* Adds an empty group. If the table is full, a small group is given up. NULL if out of memory. */
struct census_group *census_table_add(struct census_table *t, const char *name, uint64_t hash);
/* Counts a message. If the groups then exceed CENSUS_BYTES, gives up small ones, perhaps this one.
 * Returns 0 or -ENOMEM. */
int census_table_count(
    struct census_table *t, struct census_group *g, const struct share *s) NODISCARD;
/* Also frees the group. */
void census_table_drop(struct census_table *t, struct census_group *g);
void census_table_release(struct census_table *t);
