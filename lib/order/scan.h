/* SPDX-License-Identifier: ISC */
/*
 * Candidates from queue files: mail that is not in the index, or whose row is another message's.
 * Selected by the same selector, proven in the same way (by inode and arrival, as it was read).
 * Private to lib/order but for struct scanned.
 */
#ifndef PQPURGE_ORDER_SCAN_H
#define PQPURGE_ORDER_SCAN_H

#include "index/rows/select.h"

struct order;
struct outcome;

struct scanned {
	/* Origin ORIGIN_SCAN; the sequence is 0, or that of the row of a notice that has one. */
	struct candidate candidate;
	int64_t user; /* who submitted it by sendmail(1); -1 */
	bool bounce;  /* a notice of this host's that order.bounces asked for */
};

struct scan; /* what was found, and its memory */

/*
 * Reads the files that order.scan and order.bounces mean. Fails as a whole; files that could not be
 * read are counted.
 */
int scan_run(const struct order *order, struct scan **ret, struct err *err) NODISCARD;
void scan_free(struct scan *scan); /* accepts NULL */

size_t scan_count(const struct scan *scan);
const struct scanned *scan_at(const struct scan *scan, size_t n);
uint64_t scan_unreadable(const struct scan *scan);
unsigned scan_limits(const struct scan *scan); /* expressions that hit their match limit */
/* Messages with more recipients than could be read, where these decide. */
uint64_t scan_unsure(const struct scan *scan);
/* Whether the file under this row's queue ID was proven to be another message. */
bool scan_replaces(const struct scan *scan, uint64_t sequence);

#endif
