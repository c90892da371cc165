/* SPDX-License-Identifier: ISC */
/*
 * Progress: one line on a terminal for whatever takes long, and the only code that draws it. It
 * comes after half a second, is drawn anew at most five times a second, also while nobody calls,
 * and goes before anything else is printed (say.h ends it). Cut to the width of the terminal. A
 * background job draws nothing. ^C and what else ends the process leave a clean line.
 *
 * A thread draws it, so that a step without counts is seen to live. It is there only where a line
 * may be drawn, touches no stdio and no heap, and takes no signal: children may be forked beside
 * it. A terminal that takes no output (^S) holds up nobody but whoever ends the line.
 */
#pragma once

#include "base/base.h"

struct progress {
	bool on;
};

/* Draws on stderr, if wanted and if that is a terminal that can. */
void progress_init(struct progress *p, bool wanted);
/* For struct order and struct sync; arg is a struct progress. doing: "deleting"; static, ASCII. of
 * 0: nobody knows how much there is; then the line tells the seconds. */
void progress_show(void *arg, const char *doing, size_t done, size_t of);
/* Removes the line; the next progress_show begins anew. Call it before output that say.h and
 * table.h do not print. */
void progress_end(struct progress *p);
/* The same, whosever line it is, before output to `to` if that is a terminal. */
void progress_clear(FILE *to);

/* For tests: the line of a step, in buf. seconds: since it began; columns: of the terminal. */
char *progress_text(const char *doing, size_t done, size_t of, int64_t seconds, unsigned columns,
    char *buf, size_t size);
