/* SPDX-License-Identifier: ISC */
/*
 * Counts when the messages of a group arrived: an ascending list of blocks of minutes, which get
 * coarser with age. A block of 4^n minutes ended at least 4^(n+1) minutes ago. So a time is known
 * to an eighth of its age, and a list never has more than ARRIVALS_MAX blocks.
 *
 * Blocks depend only on the times and on `now`, not on the order in which messages came and left.
 * `now` never goes back: a smaller value counts as the greatest so far. Times are minutes of the
 * wall clock.
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
	uint32_t now; /* the blocks are as they should be at this minute */
	uint16_t count, cap;
};

/* Counts a message. A minute after now counts as now. */
int arrivals_add(struct arrivals *a, uint32_t minute, uint32_t now) NODISCARD;
/* Takes a message back. Pass the minute that was added. If that was in the future when added,
 * another block may lose the message. */
void arrivals_remove(struct arrivals *a, uint32_t minute, uint32_t now);
/* Joins blocks that are old enough at now. */
void arrivals_settle(struct arrivals *a, uint32_t now);
/* Length of a block of the list, in minutes. */
uint32_t arrivals_width(const struct arrivals *a, const struct arrival *block);
void arrivals_release(struct arrivals *a);
