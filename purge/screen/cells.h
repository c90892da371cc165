/* SPDX-License-Identifier: ISC */
/* Text as it stands on the terminal: scrubbed as every verb scrubs it (str_scrub), in columns, with
 * '?' for what the locale cannot show. */
#pragma once

#include "base/str.h"

/* Columns that scrubbed text takes. */
size_t cells_width(const char *text, bool utf8);
/* Appends text, scrubbed, cut to width columns (the last is then '~') and, unless width is
 * CELLS_FREE, filled up with blanks; right: in front of it. Returns the columns. */
#define CELLS_FREE SIZE_MAX
size_t cells_put(struct strbuf *to, const char *text, size_t width, bool right, bool utf8);
