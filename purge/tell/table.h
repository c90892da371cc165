/* SPDX-License-Identifier: ISC */
/* Tables: for a terminal aligned and cut to its width, for pipes tab-separated without a head.
 * Cells are scrubbed. */
#pragma once

#include "base/base.h"

struct table_column {
	const char *name;
	bool right;
	bool cut;
};

struct table;

/* The width of the terminal, or COLUMNS, or 80. */
unsigned table_width(FILE *to);

/* On a terminal, many rows are printed in portions. NULL if there is no memory; every call takes
 * NULL. */
struct table *table_new(FILE *to, const struct table_column *columns, size_t count);
/* One cell per column; NULL is empty. */
void table_add(struct table *t, const char *const *cells);
/* Colours a cell of the last row ("red", "yellow"). */
void table_color(struct table *t, size_t column, const char *color);
/* Writes the rest and frees. 0 or -ENOMEM. */
int table_end(struct table *t) NODISCARD;
