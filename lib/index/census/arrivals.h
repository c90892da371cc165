/* SPDX-License-Identifier: ISC */
/*
 * How many messages of a group arrived when, coarser the longer ago: a list of blocks of minutes,
 * ascending. A block of 4^n minutes ended at least 4^(n+1) minutes ago, so that a time is known to
 * an eighth of its age, and there are at most ARRIVALS_MAX blocks whatever comes. Blocks depend on
 * the times and on `now` alone, not on the order in which messages came and left. `now` never goes
 * back: a smaller one counts as the greatest so far. Times are wall minutes.
 */
#pragma once

#include "base/base.h"

#define ARRIVALS_MAX 200

struct arrival {
	uint32_t minute; /* where its block begins */
	uint32_t count;  /* never 0 */
};

struct arrivals {
	struct arrival *list;
	uint32_t now; /* for which the list is in order */
	uint16_t count, cap;
};

/* A minute after now counts as now. 0 or -ENOMEM. */
int arrivals_add(struct arrivals *a, uint32_t minute, uint32_t now) NODISCARD;
/* The same minute as was added; if it was in the future then, another block may lose the message.
 */
void arrivals_remove(struct arrivals *a, uint32_t minute, uint32_t now);
/* Joins blocks that are old enough by now. */
void arrivals_settle(struct arrivals *a, uint32_t now);
/* Length of a block of the list, in minutes. */
uint32_t arrivals_width(const struct arrivals *a, const struct arrival *block);
void arrivals_release(struct arrivals *a);
