/* SPDX-License-Identifier: ISC */
/* Reads untrusted text or files by lines in bounded memory. Drops what is past the cap of a
 * line. */
#pragma once

#include "base/str.h"

#define LINES_MAX 16384

/* Initialise with LINES_IN(text, len), or set fd and max and zero the rest. */
struct lines {
	int fd;             /* -1: read text, not a file */
	size_t max;         /* bytes of a line that are kept */
	struct strbuf line; /* without its newline, terminated; may contain NULs */
	unsigned number;    /* of the current line, from 1 */
	bool cut;           /* the line was longer than max */
	bool partial;       /* the text ended without a newline */
	const char *text;   /* text[at] to text[filled - 1] is unread */
	size_t at, filled;
	char *buffer;
};
#define LINES_IN(text_, len)                                                                       \
	{                                                                                          \
		.fd = -1, .max = LINES_MAX, .text = (text_), .filled = (len)                       \
	}

/* 1 if the next line is in `line`, 0 at the end, or -errno. */
int lines_next(struct lines *l) NODISCARD;
void lines_release(struct lines *l); /* does not close fd */
