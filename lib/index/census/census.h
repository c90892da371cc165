/* SPDX-License-Identifier: ISC */
/*
 * Counts of the index's rows by group, for the screen. All kinds of group are counted at once, and
 * the counts follow as rows come, change and leave. In memory only; not locked.
 *
 * At most CENSUS_GROUPS groups of a kind, in CENSUS_BYTES, are counted. When there are more, a
 * newcomer replaces the smallest of a few groups, whose messages then count as "others". So a group
 * that grows soon gets its place, even if somebody floods us with invented names, but its count may
 * be too low, by at most "others". Counts and sizes are exact while there are no others; times are
 * known to an eighth of their age (arrivals.h). Memory: some 200 bytes a group, up to 2.5 KB with a
 * long name and mail of many minutes; at most 40 MB in all.
 */
#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "mail/group.h"

#define CENSUS_GROUPS 8192    /* of each kind */
#define CENSUS_BYTES  7500000 /* of each kind */
#define CENSUS_CAME   10      /* minutes */
#define CENSUS_LIST   500     /* groups in one answer, at most */

struct census;

struct census *census_new(void); /* NULL if out of memory or random numbers */
void census_free(struct census *c);

/* Counts the record `after` and uncounts the record `before`; either may be empty. A message that
 * changes counts as arrived only once. now: wall clock, microseconds. An allocation that fails is
 * sticky: see census_failed. */
void census_change(struct census *c, struct span before, struct span after, int64_t now);
bool census_failed(const struct census *c);
/* Makes the census fail, because it was told something that did not happen. */
void census_spoil(struct census *c);

struct census_question {
	enum group_kind kind;
	size_t limit; /* groups in the answer, at most CENSUS_LIST */
	/* Only groups whose names contain this text; ASCII case is ignored. "": all. */
	const char *like;
	int64_t now; /* wall clock */
};
/* Makes the answer (pqpurge-milter(8)): the sum over all rows, and the largest groups. Each has
 * "count", "bytes", "oldest" and "newest" (wall clock, microseconds; 0 none), "ages" (GROUP_AGES
 * numbers) and "came": how many messages arrived in each of the last CENSUS_CAME minutes, the
 * newest minute last, including messages that left since. */
struct json *census_tell(struct census *c, const struct census_question *q);
