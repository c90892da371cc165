/* SPDX-License-Identifier: ISC */
/* Coverage: what the rows say after starts, stops, deaths and clocks set back. */
#include "tests/unit/index/fixture.h"

#include "index/coverage.h"

/* 'b' begin, 'e' end, 'g' a gap put by the daemon, 'p' pruned; each with a time. last_sign is for
 * the begins. */
struct step {
	char what;
	int64_t at;
	int64_t last_sign;
};
struct want {
	enum coverage_kind kind;
	int64_t from, to;
};

static void take(struct txn *txn, const struct step *step)
{
	struct coverage_row row = {
	    .from = step->at, .to = step->at + 5, .count = 2, .reason = "disk full"};

	switch (step->what) {
	case 'b':
		coverage_begin(txn, step->last_sign, step->at);
		break;
	case 'e':
		coverage_end(txn, step->at);
		break;
	case 'g':
		row.kind = COVERAGE_GAP;
		coverage_put(txn, &row);
		break;
	default:
		row.kind = COVERAGE_PRUNED;
		row.from = 0;
		row.to = step->at;
		coverage_put(txn, &row);
	}
}

static void check(const char *name, struct store *store, const struct want *want, size_t count)
{
	struct coverage_row *rows;
	struct txn txn;
	size_t got;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	case_assert(name, coverage_read(&txn, &rows, &got) == 0);
	txn_abort(&txn);
	if (got != count)
		case_fail(name, "%zu rows, want %zu", got, count);
	for (size_t i = 0; i < count; i++)
		if (rows[i].kind != want[i].kind || rows[i].from != want[i].from ||
		    rows[i].to != want[i].to)
			case_fail(name, "row %zu: kind %d from %lld to %lld", i, rows[i].kind,
			    (long long)rows[i].from, (long long)rows[i].to);
	free(rows);
}

static void test_stories(void **state)
{
	static const struct {
		const char *name;
		struct step steps[6];
		struct want want[8];
	} cases[] = {
	    {"first start", {{'b', 100, 0}}, {{COVERAGE_BEGIN, 100, 100}}},
	    {"stopped in order", {{'b', 100, 0}, {'e', 200, 0}, {'b', 300, 199}},
		{{COVERAGE_BEGIN, 100, 100}, {COVERAGE_END, 200, 200}, {COVERAGE_GAP, 200, 300},
		    {COVERAGE_BEGIN, 300, 300}}},
	    {"killed", {{'b', 100, 0}, {'b', 300, 190}},
		{{COVERAGE_BEGIN, 100, 100}, {COVERAGE_GAP, 190, 300}, {COVERAGE_BEGIN, 300, 300}}},
	    {"killed, no run file", {{'b', 100, 0}, {'b', 300, 0}},
		{{COVERAGE_BEGIN, 100, 100}, {COVERAGE_GAP, 100, 300}, {COVERAGE_BEGIN, 300, 300}}},
	    {"killed, run file of an earlier daemon", {{'b', 100, 0}, {'b', 300, 50}},
		{{COVERAGE_BEGIN, 100, 100}, {COVERAGE_GAP, 100, 300}, {COVERAGE_BEGIN, 300, 300}}},
	    {"a gap while running", {{'b', 100, 0}, {'g', 150, 0}, {'e', 200, 0}},
		{{COVERAGE_BEGIN, 100, 100}, {COVERAGE_GAP, 150, 155}, {COVERAGE_END, 200, 200}}},
	    {"pruned twice is one row", {{'b', 100, 0}, {'p', 40, 0}, {'p', 70, 0}},
		{{COVERAGE_PRUNED, 0, 70}, {COVERAGE_BEGIN, 100, 100}}},
	    {"clock set back before the end", {{'b', 1000, 0}, {'e', 500, 0}, {'b', 600, 499}},
		{{COVERAGE_GAP, 500, 600}, {COVERAGE_BEGIN, 1000, 1000}, {COVERAGE_END, 500, 500},
		    {COVERAGE_BEGIN, 600, 600}}},
	    {"clock set back, then killed twice",
		{{'b', 1000, 0}, {'b', 600, 1100}, {'b', 700, 650}},
		{{COVERAGE_GAP, 600, 600}, {COVERAGE_GAP, 650, 700}, {COVERAGE_BEGIN, 1000, 1000},
		    {COVERAGE_BEGIN, 600, 600}, {COVERAGE_BEGIN, 700, 700}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct store *store = fixture_store(dir, MAP_SIZE);
		size_t count = 0;
		struct txn txn;

		assert_int_equal(txn_begin(store, true, &txn), 0);
		for (size_t s = 0; s < COUNT_OF(cases[i].steps) && cases[i].steps[s].what; s++)
			take(&txn, &cases[i].steps[s]);
		assert_int_equal(txn_commit(&txn, NULL), 0);
		while (count < COUNT_OF(cases[i].want) && cases[i].want[count].kind != 0)
			count++;
		check(cases[i].name, store, cases[i].want, count);
		store_close(store);
		fixture_remove(dir);
	}
}

static void test_words_and_counts(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct coverage_row row = {.kind = COVERAGE_GAP, .from = 5, .to = 9, .count = 7}, *rows;
	struct txn txn;
	size_t count;

	(void)state;
	memset(row.reason, 'x', COVERAGE_REASON_MAX);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	coverage_put(&txn, &row);
	row.to = 12; /* the gap goes on: the same row */
	row.count = 8;
	coverage_put(&txn, &row);
	txn_put(&txn, STORE_COVERAGE, span_text("12345678\1"), span_text("damaged"), false);
	assert_int_equal(coverage_read(&txn, &rows, &count), 0);
	txn_abort(&txn);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].to, 12);
	assert_int_equal(rows[0].count, 8);
	assert_string_equal(rows[0].reason, row.reason);
	free(rows);
	store_close(store);
	fixture_remove(dir);
}

/* A daemon restarted in a loop does not fill the index; the newest rows are kept. */
static void test_bounded(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct coverage_row row = {.kind = COVERAGE_GAP};
	uint64_t count;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	coverage_begin(&txn, 0, 1);
	for (row.from = 10; row.from < 15010; row.from++)
		coverage_put(&txn, &row);
	coverage_begin(&txn, 0, 20000);
	assert_int_equal(txn_count(&txn, STORE_COVERAGE, &count), 0);
	assert_in_range(count, 10000, 10002);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_stories), cmocka_unit_test(test_words_and_counts),
    cmocka_unit_test(test_bounded))
