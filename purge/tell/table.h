/* SPDX-License-Identifier: ISC */
/*
 * Tables: aligned and cut to the width of a terminal (the only module that includes
 * <libsmartcols.h>), plain tab-separated lines without a head for pipes. Cells are scrubbed here.
 */
#ifndef PQPURGE_PURGE_TABLE_H
#define PQPURGE_PURGE_TABLE_H

#include "base/base.h"

struct table_column {
	const char *name;
	bool right; /* numbers */
	bool cut;   /* may be cut to fit */
};

struct table;

/* Whether to is a terminal whose user has not said no to colours (NO_COLOR, TERM=dumb). */
bool table_wants_color(FILE *to);
/* The columns of the terminal that to is, by the terminal or by COLUMNS; 80 where neither says it.
 */
unsigned table_width(FILE *to);

/*
 * Chooses the form by whether to is a terminal, where many rows are printed in portions. NULL on no
 * memory; every call takes NULL.
 */
struct table *table_new(FILE *to, const struct table_column *columns, size_t count);
/* One row; cells has as many entries as there are columns; NULL is an empty cell. */
void table_add(struct table *t, const char *const *cells);
/* Colours one cell of the row that was added last ("red", "yellow"), where the table is coloured.
 */
void table_color(struct table *t, size_t column, const char *color);
/* Writes what is left and frees. 0 or -ENOMEM. */
int table_end(struct table *t) NODISCARD;

#endif
