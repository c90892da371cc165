/* SPDX-License-Identifier: ISC */
/*
 * A gap: a stretch in which messages went by that the index does not have. It opens with the first
 * lost message and closes with the first commit that succeeds, which carries its coverage row. A
 * value; its owner locks it.
 */
#ifndef PQPURGE_MILTER_GAP_H
#define PQPURGE_MILTER_GAP_H

#include "index/coverage.h"

struct gap {
	bool open;
	int64_t from;   /* the earliest MAIL of a lost message, wall microseconds */
	uint64_t count; /* lost messages */
	char reason[COVERAGE_REASON_MAX + 1]; /* of the first */
};

/* Counts one lost message. True if the gap begins with it (to be logged once). */
bool gap_lose(struct gap *gap, int64_t mail_time, const char *reason);
/* One that was counted as lost (its session gave up waiting) reached the index after all. True if
 * that closes the gap: what of it was lost is written. */
bool gap_forgive(struct gap *gap);
/* The row for what is lost up to now. False: no gap is open. */
bool gap_row(const struct gap *gap, int64_t now, struct coverage_row *ret);
/* That row is on disk. True if the gap is closed by it; false if more was lost meanwhile, which
 * goes on as a gap from there. */
bool gap_written(struct gap *gap, const struct coverage_row *row);

#endif
