/* SPDX-License-Identifier: ISC */
/* The lines of a file that strangers may have written, in bounded memory. */
#ifndef PQPURGE_BASE_LINES_H
#define PQPURGE_BASE_LINES_H

#include "base/str.h"

/* Set fd and max; zero-initialise the rest. */
struct lines {
	int fd;
	size_t max;         /* bytes of a line that are kept */
	struct strbuf line; /* without its newline, terminated; it may hold NULs */
	bool cut;           /* it was longer than max, or the file ended before its newline */
	char *buffer;
	size_t at, filled;
};
/* 1: the next line stands in `line`; 0: the end; or -errno. */
int lines_next(struct lines *l) NODISCARD;
void lines_release(struct lines *l); /* the descriptor stays open */

#endif
