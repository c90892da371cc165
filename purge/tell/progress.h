/* SPDX-License-Identifier: ISC */
/*
 * Progress: one line on a terminal for steps that take long, and the only code that draws it. The
 * line appears after half a second. It is redrawn at most five times a second, even while nobody
 * calls, and goes before anything else is printed (say.h ends it). It is cut to the width of the
 * terminal. A background job draws nothing. ^C and other ends of the process leave no line behind.
 *
 * A thread draws it, so that a step without counts visibly goes on. The thread exists only where a
 * line may be drawn. It uses no stdio and no heap and takes no signal, so children may be forked
 * beside it. A terminal that takes no output (^S) delays only the call that ends the line.
 */
#pragma once

#include "base/base.h"

struct progress {
	bool on;
};

/* Draws on stderr, if wanted and if that is a suitable terminal. */
void progress_init(struct progress *p, bool wanted);
/* For struct order and struct sync; arg is a struct progress. doing: "deleting"; static, ASCII. of
 * 0: the total is unknown, so the line shows the seconds. */
void progress_show(void *arg, const char *doing, size_t done, size_t of);
/* Removes the line; the next progress_show begins anew. Call it before output that does not go
 * through say.h or table.h. */
void progress_end(struct progress *p);
/* Removes the line, whichever progress it belongs to, before output to `to`, if that is a
 * terminal. */
void progress_clear(FILE *to);

/* For tests: writes the line of a step to buf. seconds: since the step began; columns: the
 * terminal's. */
char *progress_text(const char *doing, size_t done, size_t of, int64_t seconds, unsigned columns,
    char *buf, size_t size);
