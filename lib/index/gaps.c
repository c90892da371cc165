/* SPDX-License-Identifier: ISC */
/* Coverage rows as gaps. */
#include "index/gaps.h"

#include <errno.h>

/* What the BEGIN, END and PRUNED rows say. */
struct ends {
	int64_t begun;  /* the first BEGIN; 0 = none */
	int64_t pruned; /* everything up to there went for space */
	int64_t last;   /* the last BEGIN or END */
	bool ended;     /* that is an END */
};

static struct ends ends_of(const struct coverage_row *rows, size_t count)
{
	struct ends ends = {0};

	for (size_t n = 0; n < count; n++) {
		const struct coverage_row *row = &rows[n];

		if (row->kind == COVERAGE_PRUNED && row->to > ends.pruned)
			ends.pruned = row->to;
		if (row->kind != COVERAGE_BEGIN && row->kind != COVERAGE_END)
			continue;
		if (row->kind == COVERAGE_BEGIN && ends.begun == 0)
			ends.begun = row->from;
		ends.last = row->from;
		ends.ended = row->kind == COVERAGE_END;
	}
	/* The oldest rows may be gone (coverage.c keeps so many): then it begins with what is left.
	 */
	if (ends.begun == 0 && count > 0 && ends.last > 0)
		ends.begun = ends.last;
	return ends;
}

static void add(struct gaps *gaps, int64_t from, int64_t to, uint64_t count, const char *reason)
{
	struct gap_span *gap = &gaps->list[gaps->count];

	if (to != 0 && to <= gaps->since)
		return;
	if (from < gaps->since)
		from = gaps->since;
	*gap = (struct gap_span){.from = from, .to = to, .count = count};
	snprintf(gap->reason, sizeof(gap->reason), "%s", reason ? reason : "");
	gaps->count++;
}

static int by_time(const void *a, const void *b)
{
	const struct gap_span *one = a, *other = b;

	return (one->from > other->from) - (one->from < other->from);
}

/* The stretch that goes on now. */
static void add_open(struct gaps *gaps, const struct ends *ends, const struct gaps_now *now)
{
	if (!now->no_daemon) {
		if (now->open_from)
			add(gaps, now->open_from, 0, now->open_count, now->open_reason);
		return;
	}
	if (ends->ended)
		add(gaps, ends->last, 0, 0, "the daemon is not running");
	else
		add(gaps, now->last_sign > ends->last ? now->last_sign : ends->last, 0, 0,
		    "the daemon did not stop in order and is not running");
}

int gaps_make(
    const struct coverage_row *rows, size_t count, const struct gaps_now *now, struct gaps *ret)
{
	struct ends ends = ends_of(rows, count);
	struct gaps gaps = {.since = ends.begun};

	if (ends.begun == 0) {
		*ret = gaps;
		return 0;
	}
	if (ends.pruned > gaps.since)
		gaps.since = ends.pruned;
	gaps.list = calloc(count + 1, sizeof(*gaps.list));
	if (!gaps.list)
		return -ENOMEM;
	for (size_t n = 0; n < count; n++)
		if (rows[n].kind == COVERAGE_GAP)
			add(&gaps, rows[n].from, rows[n].to, rows[n].count, rows[n].reason);
	qsort(gaps.list, gaps.count, sizeof(*gaps.list), by_time);
	add_open(&gaps, &ends, now);
	*ret = gaps;
	return 0;
}

void gaps_release(struct gaps *gaps)
{
	free(gaps->list);
	*gaps = (struct gaps){0};
}

const struct gap_span *gaps_find(const struct gaps *gaps, int64_t time)
{
	for (size_t n = gaps->count; n > 0; n--) {
		const struct gap_span *gap = &gaps->list[n - 1];

		if (time >= gap->from && (gap->to == 0 || time <= gap->to))
			return gap;
	}
	return NULL;
}
