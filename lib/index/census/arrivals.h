/* SPDX-License-Identifier: ISC */
/* When the messages of a group arrived: an ascending list of blocks of minutes, coarser with age. A
 * block of 4^n minutes ended at least 4^(n+1) minutes ago, so a time is known to an eighth of its
 * age, and a list has at most ARRIVALS_MAX blocks.
 *
 * The blocks depend only on the times and on `now`, whatever the order of calls. `now` never goes
 * back: a smaller value counts as the greatest so far. Times are minutes of the wall clock. */
#pragma once

#include "base/base.h"

#define ARRIVALS_MAX 200

struct arrival {
	uint32_t minute; /* its block begins here */
	uint32_t count;
};

struct arrivals {
	struct arrival *list;
	uint32_t now; /* the blocks are right for this minute */
	uint16_t count, cap;
};

/* A minute after now counts as now. Returns 0 or -ENOMEM. */
int arrivals_add(struct arrivals *a, uint32_t minute, uint32_t now) NODISCARD;
/* Takes a message back. minute: as added. If it was in the future then, another block may lose the
 * message. */
void arrivals_remove(struct arrivals *a, uint32_t minute, uint32_t now);
void arrivals_settle(struct arrivals *a, uint32_t now);
/* The length of a block in minutes. */
uint32_t arrivals_width(const struct arrivals *a, const struct arrival *block);
void arrivals_release(struct arrivals *a);
