/* SPDX-License-Identifier: ISC */
/* Text measured in columns: scrubbed as by every verb (str_scrub), with '?' for characters that the
 * locale cannot show. */
#pragma once

#include "base/str.h"

/* The width of scrubbed text in columns. */
size_t cells_width(const char *text, bool utf8);
/* Appends text, scrubbed. If it is too wide it is cut to width columns, the last of them '~'.
 * Unless width is CELLS_FREE, blanks fill it up: before the text if right, otherwise after it.
 * Returns the columns. */
#define CELLS_FREE SIZE_MAX
size_t cells_put(struct strbuf *to, const char *text, size_t width, bool right, bool utf8);
