/* SPDX-License-Identifier: ISC */
#include <libsmartcols.h>
#include <sys/ioctl.h>

#include "base/str.h"
#include "purge/tell/progress.h"
#include "purge/tell/table.h"

#define CELL_MAX 1024
#define PORTION  1000 /* rows; libsmartcols keeps a kilobyte for each */

struct table {
	FILE *to;
	size_t columns;
	struct libscols_table *scols; /* NULL: tab-separated */
	struct libscols_line *line;
	size_t rows; /* in this portion */
	bool failed;
};

static bool wants_color(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(to)) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

static struct libscols_table *new_scols(FILE *to, const struct table_column *columns, size_t count)
{
	scols_init_debug(0);
	struct libscols_table *scols = scols_new_table();
	if (!scols)
		return NULL;
	scols_table_set_stream(scols, to);
	scols_table_enable_colors(scols, wants_color(to));
	for (size_t i = 0; i < count; i++) {
		const struct table_column *c = &columns[i];
		int flags = (c->right ? SCOLS_FL_RIGHT : 0) | (c->cut ? SCOLS_FL_TRUNC : 0);

		if (scols_table_new_column(scols, c->name, c->cut ? 0.1 : 0, flags))
			continue;
		scols_unref_table(scols);
		return NULL;
	}
	return scols;
}

unsigned table_width(FILE *to)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && str_parse_u64(columns, 20, 10000, &n) == 0)
		return (unsigned)n;
	return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

struct table *table_new(FILE *to, const struct table_column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	progress_clear(to);
	t->to = to;
	t->columns = count;
	if (isatty(fileno(to))) {
		t->scols = new_scols(to, columns, count);
		t->failed = !t->scols;
	}
	return t;
}

static void add_plain(struct table *t, const char *const *cells)
{
	char cell[CELL_MAX];

	for (size_t i = 0; i < t->columns; i++)
		fprintf(t->to, "%s%s", i ? "\t" : "",
		    str_scrub(cell, sizeof(cell), cells[i] ? cells[i] : ""));
	fputc('\n', t->to);
}

/* Later portions have no head, and their columns are at least as wide. */
static bool print_portion(struct table *t)
{
	if (scols_print_table(t->scols) != 0)
		return false;
	for (size_t i = 0; i < t->columns; i++) {
		struct libscols_column *column = scols_table_get_column(t->scols, i);

		scols_column_set_whint(column, (double)scols_column_get_width(column));
	}
	scols_table_enable_noheadings(t->scols, 1);
	scols_table_remove_lines(t->scols);
	t->rows = 0;
	return true;
}

void table_add(struct table *t, const char *const *cells)
{
	struct libscols_line *line;
	char cell[CELL_MAX];

	if (!t || t->failed)
		return;
	if (!t->scols) {
		add_plain(t, cells);
		return;
	}
	t->failed = t->rows == PORTION && !print_portion(t);
	line = t->line = t->failed ? NULL : scols_table_new_line(t->scols, NULL);
	t->failed = !line;
	t->rows++;
	for (size_t i = 0; !t->failed && i < t->columns; i++)
		t->failed = scols_line_set_data(line, i,
				str_scrub(cell, sizeof(cell), cells[i] ? cells[i] : "")) != 0;
}

void table_color(struct table *t, size_t column, const char *color)
{
	if (!t || t->failed || !t->line)
		return;
	struct libscols_cell *cell = scols_line_get_cell(t->line, column);
	t->failed = !cell || scols_cell_set_color(cell, color) != 0;
}

int table_end(struct table *t)
{
	int code = 0;

	if (!t)
		return -ENOMEM;
	if (t->failed || (t->scols && scols_print_table(t->scols) != 0))
		code = -ENOMEM;
	if (t->scols)
		scols_unref_table(t->scols);
	free(t);
	return code;
}
