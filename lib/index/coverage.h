/* SPDX-License-Identifier: ISC */
/*
 * Coverage: since when, and with which gaps, the index has seen what Postfix accepted. The daemon
 * writes a row when it begins and when it stops, and one for each stretch in which it could not
 * write. In between it touches a run file (no heartbeat commits): after a kill -9 the gap runs from
 * the run file's time to the next start.
 */
#ifndef PQPURGE_INDEX_COVERAGE_H
#define PQPURGE_INDEX_COVERAGE_H

#include "index/store.h"

enum coverage_kind {
	COVERAGE_BEGIN = 1, /* the daemon began to record */
	COVERAGE_END,       /* it stopped in order; to = from */
	COVERAGE_GAP,       /* from..to: nothing, or not all, was recorded */
	COVERAGE_PRUNED,    /* rows up to `to` were dropped for space; one row, which grows */
};

#define COVERAGE_REASON_MAX 200

struct coverage_row {
	enum coverage_kind kind;
	int64_t from, to; /* wall microseconds */
	uint64_t count;   /* messages known to be missing; 0 = unknown */
	char reason[COVERAGE_REASON_MAX + 1];
};

void coverage_put(struct txn *txn, const struct coverage_row *row);
/*
 * The daemon begins at now: if the last daemon did not end in order, a GAP row from last_sign (the
 * run file's time; 0 = unknown: the last row's) to now is written; if it did, one from its END to
 * now. Then BEGIN. The first ever only begins.
 */
void coverage_begin(struct txn *txn, int64_t last_sign, int64_t now);
void coverage_end(struct txn *txn, int64_t now);

/* All rows in time order, into a malloc'd array of the caller's. */
int coverage_read(struct txn *txn, struct coverage_row **ret, size_t *ret_count) NODISCARD;

#endif
