/* SPDX-License-Identifier: ISC */
/* Tables: aligned and cut to the width of a terminal; for pipes tab-separated without a head. Cells
 * are scrubbed. */
#pragma once

#include "base/base.h"

struct table_column {
	const char *name;
	bool right;
	bool cut;
};

struct table;

/* The terminal's, or COLUMNS, or 80. */
unsigned table_width(FILE *to);

/* NULL if out of memory; every call accepts NULL. On a terminal, many rows are printed in
 * portions. */
struct table *table_new(FILE *to, const struct table_column *columns, size_t count);
/* NULL is an empty cell. */
void table_add(struct table *t, const char *const *cells);
/* A cell of the last row. color: "red", "yellow". */
void table_color(struct table *t, size_t column, const char *color);
/* Writes the rest and frees. 0 or -ENOMEM. */
int table_end(struct table *t) NODISCARD;
