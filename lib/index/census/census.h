/* SPDX-License-Identifier: ISC */
/*
 * Counts of the index's rows by group, for each kind of group at once, kept as rows come, change
 * and leave: what the screen shows. Purely in memory; not locked.
 *
 * At most CENSUS_GROUPS groups of a kind are told apart. Past that the smallest of a few gives its
 * place to a newcomer, and its messages count as "others", so that a group which grows is soon seen
 * whoever makes up names beside it; its count may then be low, by at most what others say. Counts
 * and sizes are exact while there are no others; times to an eighth of their age (arrivals.h).
 * Memory: some 200 bytes a group, at most 40 MB in all.
 */
#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "mail/group.h"

#define CENSUS_GROUPS 8192 /* of each kind */
#define CENSUS_CAME   10   /* minutes */
#define CENSUS_LIST   500  /* groups told at once */

struct census;

struct census *census_new(void); /* NULL on no memory, or no random number */
void census_free(struct census *c);

/* Counts the record `after` and takes `before` back; either may be empty. A message that changes
 * counts as arrived once. now: wall microseconds. Out of memory is sticky: census_failed. */
void census_change(struct census *c, struct span before, struct span after, int64_t now);
bool census_failed(const struct census *c);
/* What it was told is not what happened: it fails. */
void census_spoil(struct census *c);

struct census_question {
	enum group_kind kind;
	size_t limit; /* groups told, at most CENSUS_LIST */
	const char
	    *like;   /* only groups with this text in their names, ASCII case ignored; "" all */
	int64_t now; /* wall */
};
/*
 * The answer (pqpurge-milter(8)): what all rows sum up to, and the greatest groups. Each has
 * "count", "bytes", "oldest" and "newest" (wall microseconds; 0: none), "ages" (GROUP_AGES numbers)
 * and "came": how many came in each of the last CENSUS_CAME minutes, the newest last, also those
 * that left since. NULL on no memory.
 */
struct json *census_tell(struct census *c, const struct census_question *q);
