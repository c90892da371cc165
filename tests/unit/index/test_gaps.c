/* SPDX-License-Identifier: ISC */
/* Coverage rows and the daemon's state, as gaps. */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "index/synced.h"

#define ROWS_MAX 8
#define BEGIN(t)                                                                                   \
	{                                                                                          \
		.kind = COVERAGE_BEGIN, .from = (t), .to = (t)                                     \
	}
#define END(t)                                                                                     \
	{                                                                                          \
		.kind = COVERAGE_END, .from = (t), .to = (t)                                       \
	}
#define GAP(f, t, n, why)                                                                          \
	{                                                                                          \
		.kind = COVERAGE_GAP, .from = (f), .to = (t), .count = (n), .reason = why          \
	}
#define PRUNED(t)                                                                                  \
	{                                                                                          \
		.kind = COVERAGE_PRUNED, .to = (t)                                                 \
	}

static const struct {
	const char *name;
	struct coverage_row rows[ROWS_MAX];
	struct gaps_now now;
	const char *want; /* "since: from-to(count) ..." */
} cases[] = {
    {"nothing was recorded", {{0}}, {.no_daemon = true}, "0:"},
    {"running since then", {BEGIN(10)}, {0}, "10:"},
    {"a gap", {BEGIN(10), GAP(20, 30, 5, "full")}, {0}, "10: 20-30(5)"},
    {"stopped", {BEGIN(10), END(40)}, {.no_daemon = true, .last_sign = 35}, "10: 40-0(0)"},
    {"stopped, but the daemon is silent", {BEGIN(10), END(40)}, {0}, "10:"},
    {"killed", {BEGIN(10)}, {.no_daemon = true, .last_sign = 35}, "10: 35-0(0)"},
    {"killed, the run file is older", {BEGIN(10)}, {.no_daemon = true, .last_sign = 5},
	"10: 10-0(0)"},
    {"killed, no run file", {BEGIN(10)}, {.no_daemon = true}, "10: 10-0(0)"},
    {"restarted", {BEGIN(10), END(20), GAP(20, 30, 0, "down"), BEGIN(30)}, {0}, "10: 20-30(0)"},
    {"a gap that goes on", {BEGIN(10)}, {.open_from = 50, .open_count = 3, .open_reason = "x"},
	"10: 50-0(3)"},
    {"gaps by time", {BEGIN(10), GAP(60, 70, 1, ""), GAP(20, 30, 2, "")}, {0},
	"10: 20-30(2) 60-70(1)"},
    {"pruned moves it on", {PRUNED(25), BEGIN(10), GAP(20, 30, 2, "")}, {0}, "25: 25-30(2)"},
    {"pruned past a gap", {PRUNED(50), BEGIN(10), GAP(20, 30, 2, "")}, {0}, "50:"},
    {"the first BEGIN is no longer kept", {END(40)}, {.no_daemon = true}, "40: 40-0(0)"},
};

static size_t count_rows(const struct coverage_row *rows)
{
	size_t count = 0;

	while (count < ROWS_MAX && rows[count].kind)
		count++;
	return count;
}

static void test_gaps(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct gaps gaps = {0};
		struct strbuf got = {0};

		assert_int_equal(
		    gaps_make(cases[n].rows, count_rows(cases[n].rows), &cases[n].now, &gaps), 0);
		strbuf_printf(&got, "%d:", (int)gaps.since);
		for (size_t g = 0; g < gaps.count; g++)
			strbuf_printf(&got, " %d-%d(%d)", (int)gaps.list[g].from,
			    (int)gaps.list[g].to, (int)gaps.list[g].count);
		case_assert_text(cases[n].name, strbuf_text(&got), cases[n].want);
		strbuf_release(&got);
		gaps_release(&gaps);
	}
}

static void test_find(void **state)
{
	static const struct coverage_row rows[] = {BEGIN(10), GAP(20, 30, 0, "down")};
	struct gaps_now now = {.open_from = 50, .open_reason = "full"};
	struct gaps gaps;

	(void)state;
	assert_int_equal(gaps_make(rows, COUNT_OF(rows), &now, &gaps), 0);
	assert_null(gaps_find(&gaps, 19));
	assert_string_equal(gaps_find(&gaps, 20)->reason, "down");
	assert_string_equal(gaps_find(&gaps, 30)->reason, "down");
	assert_null(gaps_find(&gaps, 31));
	assert_string_equal(gaps_find(&gaps, 1000)->reason, "full");
	gaps_release(&gaps);
}

static void test_last_sync_holds(void **state)
{
	static const struct {
		const char *name;
		int64_t synced;
		struct coverage_row rows[ROWS_MAX];
		struct gaps_now now;
		bool want;
	} rows[] = {
	    {"no sync yet", 0, {BEGIN(10)}, {0}, false},
	    {"no gap", 40, {BEGIN(10)}, {0}, true},
	    {"a gap before", 40, {BEGIN(10), GAP(20, 39, 0, "")}, {0}, true},
	    {"a gap meanwhile", 40, {BEGIN(10), GAP(20, 40, 0, "")}, {0}, false},
	    {"a gap since", 40, {BEGIN(10), GAP(50, 60, 0, "")}, {0}, false},
	    {"a gap that goes on", 40, {BEGIN(10)}, {.open_from = 30}, false},
	    {"stopped since", 40, {BEGIN(10), END(50)}, {.no_daemon = true}, false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++) {
		struct synced synced = {.time = rows[n].synced};
		struct gaps gaps = {0};

		assert_int_equal(
		    gaps_make(rows[n].rows, count_rows(rows[n].rows), &rows[n].now, &gaps), 0);
		case_assert(rows[n].name, synced_holds(&synced, &gaps) == rows[n].want);
		gaps_release(&gaps);
	}
}

UNIT_MAIN(cmocka_unit_test(test_gaps), cmocka_unit_test(test_find),
    cmocka_unit_test(test_last_sync_holds))
