/* SPDX-License-Identifier: ISC */
/*
 * What lies in the queue and is not in the index: when it came, how much of it are bounces, which
 * no milter sees, and into which gaps of the index the rest fell.
 */
#ifndef PQPURGE_PURGE_MISSING_H
#define PQPURGE_PURGE_MISSING_H

#include "base/json.h"
#include "index/gaps.h"
#include "purge/tell/report.h"

/* Zero-initialise. */
struct missing {
	int64_t from, to;  /* arrival of the oldest and newest; 0 = unknown */
	bool sampled;      /* not all could be looked at */
	uint64_t bounces;  /* with the null sender and no client */
	uint64_t in_gaps;  /* others that came in a gap */
	uint64_t before;   /* others that came before the index began, or were pruned */
	uint64_t bypassed; /* the rest, as far as clients brought it: by the milter over SMTP */
	struct gaps gaps;
	bool gaps_known;
};

/*
 * Counts what the index does not know, into outcome's tally: exactly where that takes no longer
 * than a second from now; else the last sync's count is taken (tally.unindexed_as_of). Where a gap
 * touches the time since, where there was none, and with order->scan the exact count is waited for,
 * until order->stop or for ten minutes; then it stays unknown.
 */
void missing_count(const struct order *order, struct outcome *outcome);

/* Judges what order_count_unindexed found by gaps, which are taken over. Pure. */
void missing_make(const struct outcome *outcome, struct gaps *gaps, struct missing *ret);
/* The same, with the gaps of the index as it is now; does nothing where nothing is missing. Never
 * fails: what it cannot know stays unknown. */
void missing_read(const char *directory, const struct outcome *outcome, struct missing *ret);
void missing_release(struct missing *m);

/* A gap touches the time in which what is missing came. */
bool missing_touches(const struct missing *m, const struct gap_span *gap);
/* One line for people; nothing where nothing is missing. */
void missing_line(FILE *to, const struct tally *tally, const struct missing *m, bool scanned);
/* Fields for a summary: unindexed_oldest and so on; nothing where nothing is missing. */
void missing_put(struct json *o, const struct tally *tally, const struct missing *m);
/* One gap as an object. */
struct json *missing_gap(const struct gap_span *gap);
/* "2026-11-23 17:40:17 to 17:52:03", or "since ..." where to is 0; returns buf. */
#define MISSING_SPAN_SIZE 80
char *missing_span_text(int64_t from, int64_t to, char *buf, size_t size);

#endif
