/* SPDX-License-Identifier: ISC */
/*
 * Gaps: since when the index has seen what Postfix accepted, and what it has not, as coverage rows
 * and the state of the daemon tell together. A stretch that is still going on is a gap without an
 * end.
 */
#ifndef PQPURGE_INDEX_GAPS_H
#define PQPURGE_INDEX_GAPS_H

#include "index/coverage.h"

struct gap_span {
	int64_t from, to; /* wall microseconds; to = 0: it goes on */
	uint64_t count;   /* messages known to be missing; 0 = unknown */
	char reason[COVERAGE_REASON_MAX + 1];
};

/* Zero-initialise. */
struct gaps {
	int64_t since;         /* everything older is unknown; 0 = nothing was ever recorded */
	struct gap_span *list; /* in time order */
	size_t count;
};

/* What rows alone cannot tell. */
struct gaps_now {
	bool no_daemon;    /* none runs */
	int64_t last_sign; /* the run file's time; 0 = unknown */
	int64_t open_from; /* a running daemon is in a gap since; 0 = it is not */
	uint64_t open_count;
	const char *open_reason;
};

/* -ENOMEM. */
int gaps_make(const struct coverage_row *rows, size_t count, const struct gaps_now *now,
    struct gaps *ret) NODISCARD;
void gaps_release(struct gaps *gaps);

/* The gap that mail of that time fell into: before `since`, NULL in any case. */
const struct gap_span *gaps_find(const struct gaps *gaps, int64_t time);

#endif
