/* SPDX-License-Identifier: ISC */
/* Progress on a terminal: one line, overwritten at most five times a second, after half a second.
 */
#pragma once

#include "base/base.h"

struct progress {
	FILE *to;
	bool on;
	bool shown;
	int64_t next; /* steady: no output before */
};

void progress_init(struct progress *p, FILE *to, bool on);
/* For struct order and struct sync; arg is a struct progress. doing: "deleting". */
void progress_show(void *arg, const char *doing, size_t done, size_t of);
/* Removes the line. */
void progress_end(struct progress *p);
