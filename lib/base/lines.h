/* SPDX-License-Identifier: ISC */
/* Reads untrusted text or files line by line in bounded memory. What a line has past its cap is
 * skipped. */
#pragma once

#include "base/str.h"

#define LINES_MAX 16384

/* Begin with LINES_IN(text, len), or set fd and max and zero the rest. */
struct lines {
	int fd;             /* -1: no file */
	size_t max;         /* bytes of a line that are kept */
	struct strbuf line; /* without its newline, terminated; it may hold NULs */
	unsigned number;    /* of the line, from 1 */
	bool cut;           /* it was longer than max */
	bool partial;       /* the text ended before its newline */
	const char *text;   /* at..filled is not used yet */
	size_t at, filled;
	char *buffer;
};
#define LINES_IN(text_, len)                                                                       \
	{                                                                                          \
		.fd = -1, .max = LINES_MAX, .text = (text_), .filled = (len)                       \
	}

/* 1: the next line is in `line`; 0: the end; or -errno. */
int lines_next(struct lines *l) NODISCARD;
void lines_release(struct lines *l); /* the descriptor stays open */
