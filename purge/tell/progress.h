/* SPDX-License-Identifier: ISC */
/* Progress on stderr, where that is a terminal: one line that is written over, at most five times a
 * second. */
#ifndef PQPURGE_PURGE_PROGRESS_H
#define PQPURGE_PURGE_PROGRESS_H

#include "base/base.h"

struct progress {
	FILE *to;
	const char *doing; /* "deleting" */
	bool on;
	bool shown;
	int64_t next; /* steady microseconds before which nothing is written */
};

/* on: whether to show anything at all. doing is kept. */
void progress_init(struct progress *p, FILE *to, bool on, const char *doing);
/* As struct order wants it; arg is a struct progress. */
void progress_show(void *arg, size_t done, size_t of);
/* Takes the line away. */
void progress_end(struct progress *p);

#endif
