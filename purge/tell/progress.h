/* SPDX-License-Identifier: ISC */
/* Progress: one line on a terminal for steps that take long. It appears after half a second, is
 * redrawn at most five times a second, and goes before anything else is printed (say.h ends it). It
 * is cut to the terminal's width. A background job draws nothing. However the process ends, as by
 * ^C, no line is left behind.
 *
 * A thread draws it, so that a step without counts visibly goes on. It exists only where a line may
 * be drawn. It uses no stdio and no heap and takes no signal, so children may be forked beside it.
 * A terminal that takes no output (^S) delays only the call that ends the line. */
#pragma once

#include "base/base.h"

struct progress {
	bool on;
};

/* Draws on stderr, if wanted and if that is a suitable terminal. */
void progress_init(struct progress *p, bool wanted);
/* For struct order and struct sync; arg is a struct progress. doing: static and ASCII, such as
 * "deleting". of 0: the total is unknown, so the line shows the seconds. */
void progress_show(void *arg, const char *doing, size_t done, size_t of);
/* Removes the line; the next progress_show begins anew. Call it before output that does not go
 * through say.h or table.h. */
void progress_end(struct progress *p);
/* Before output to `to`: removes the line, whichever progress it belongs to, if `to` is a
 * terminal. */
void progress_clear(FILE *to);

/* For tests: a step's line. seconds: since the step began; columns: the terminal's. Returns buf. */
char *progress_text(const char *doing, size_t done, size_t of, int64_t seconds, unsigned columns,
    char *buf, size_t size);
