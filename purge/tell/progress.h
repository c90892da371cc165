/* SPDX-License-Identifier: ISC */
/* Progress on stderr, where that is a terminal: one line that is written over, at most five times a
 * second. What takes less than half a second shows none. */
#ifndef PQPURGE_PURGE_PROGRESS_H
#define PQPURGE_PURGE_PROGRESS_H

#include "base/base.h"

struct progress {
	FILE *to;
	bool on;
	bool shown;
	int64_t next; /* steady microseconds before which nothing is written */
};

/* on: whether to show anything at all. */
void progress_init(struct progress *p, FILE *to, bool on);
/* As struct order and struct sync want it; arg is a struct progress. doing: "deleting". */
void progress_show(void *arg, const char *doing, size_t done, size_t of);
/* Takes the line away. */
void progress_end(struct progress *p);

#endif
