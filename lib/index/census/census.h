/* SPDX-License-Identifier: ISC */
/* Counts of the index's rows by group, for the screen. All kinds of group are counted at once, and
 * the counts follow as rows come, change and leave. In memory only; not locked.
 *
 * Each kind has at most CENSUS_GROUPS groups, in CENSUS_BYTES. If there are more, a newcomer
 * replaces the smallest of a few groups, whose messages then count as "others". So a growing group
 * soon gets a place, even in a flood of invented names, but its count may be too low, by at most
 * "others". Counts and sizes are exact while there are no others; times are known to an eighth of
 * their age (arrivals.h). Memory: some 200 bytes a group, at most 2.5 KB, and 40 MB in all. */
#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "mail/group.h"

#define CENSUS_GROUPS 8192
#define CENSUS_BYTES  7500000
#define CENSUS_CAME   10  /* minutes */
#define CENSUS_LIST   500 /* the most groups in one answer */

struct census;

/* login_exact: see group_login. NULL if out of memory or random numbers. */
struct census *census_new(bool login_exact);
void census_free(struct census *c);

/* Counts the record `after` and takes back the record `before`; either may be empty. A message that
 * changes has arrived only once. now: wall clock, microseconds. If memory is short, the census
 * fails for good: see census_failed. */
void census_change(struct census *c, struct span before, struct span after, int64_t now);
bool census_failed(const struct census *c);
/* Makes the census fail, because a change that it counted was not committed. */
void census_spoil(struct census *c);

struct census_question {
	enum group_kind kind;
	bool login_exact; /* as the census */
	size_t limit;     /* at most CENSUS_LIST */
	/* Only groups whose names contain this; ASCII case is ignored. */
	const char *like;
	int64_t now; /* wall clock, microseconds */
};
/* Whether the census counts as the question wants it, and has not failed. */
bool census_answers(const struct census *c, const struct census_question *q);
/* The answer to "groups" (pqpurge-milter(8)): the sum over all rows, and the largest groups. Each
 * has "count", "bytes", "oldest" and "newest" (wall clock, microseconds; 0 none), "ages"
 * (GROUP_AGES numbers) and "came": how many messages arrived in each of the last CENSUS_CAME
 * minutes, the newest last, including messages that left since. NULL if out of memory. */
struct json *census_tell(struct census *c, const struct census_question *q);
