/* SPDX-License-Identifier: ISC */
/* The overlay: what its fill writes is seen as if it were committed, by nobody but its own
 * transaction, and at what cost. test_store_overlay_model.c asks LMDB for a second opinion. */
#include <pthread.h>

#include "tests/unit/index/script.h"

static const struct seen_case {
	const char *name;
	const char *steps[8];
	const char *all, *from_c, *last;
	uint64_t count;
} seen_cases[] = {
    {"nothing", {NULL}, "b=1 d=2 f=3 ", "d=2 f=3 ", "f=3 ", 3},
    {"before, between and after", {"g=7", "a=5", "c=6"}, "a=5 b=1 c=6 d=2 f=3 g=7 ",
	"c=6 d=2 f=3 g=7 ", "g=7 ", 6},
    {"over a row of the base", {"d=9"}, "b=1 d=9 f=3 ", "d=9 f=3 ", "f=3 ", 3},
    {"over its last", {"f="}, "b=1 d=2 f= ", "d=2 f= ", "f= ", 3},
    {"twice", {"c=1", "c=2"}, "b=1 c=2 d=2 f=3 ", "c=2 d=2 f=3 ", "f=3 ", 4},
    {"the first deleted", {"b"}, "d=2 f=3 ", "d=2 f=3 ", "f=3 ", 2},
    {"the last two deleted", {"f", "d"}, "b=1 ", "", "b=1 ", 1},
    {"all deleted", {"b", "f", "d"}, "", "", "", 0},
    {"all deleted, one put", {"b", "f", "d", "e=4"}, "e=4 ", "e=4 ", "e=4 ", 1},
    {"deleted twice", {"d", "d"}, "b=1 f=3 ", "f=3 ", "f=3 ", 2},
    {"what is not there deleted", {"e", "z"}, "b=1 d=2 f=3 ", "d=2 f=3 ", "f=3 ", 3},
    {"put, then deleted", {"z=1", "a=1", "z", "a"}, "b=1 d=2 f=3 ", "d=2 f=3 ", "f=3 ", 3},
    {"over the base, then deleted", {"f=1", "f"}, "b=1 d=2 ", "d=2 ", "d=2 ", 2},
    {"deleted, then put", {"f", "f=8"}, "b=1 d=2 f=8 ", "d=2 f=8 ", "f=8 ", 3},
    {"a prefix is less", {"ff=1", "bb=2", "b="}, "b= bb=2 d=2 f=3 ff=1 ", "d=2 f=3 ff=1 ", "ff=1 ",
	5},
};

static void check_seen(const struct seen_case *c, struct txn *txn)
{
	char text[200];
	uint64_t count;

	script_walk(txn, "", text);
	case_assert_text(c->name, text, c->all);
	script_walk(txn, "c", text);
	case_assert_text(c->name, text, c->from_c);
	script_last(txn, text);
	case_assert_text(c->name, text, c->last);
	case_assert(c->name, txn_count(txn, STORE_META, &count) == 0 && count == c->count);
	case_assert(c->name, txn_count(txn, STORE_RULE, &count) == 0 && count == 0);
}

static void test_what_is_seen(void **state)
{
	(void)state;
	for (const struct seen_case *c = seen_cases; c < seen_cases + COUNT_OF(seen_cases); c++) {
		char *dir = fixture_dir();
		struct script script = {.code = 0};
		struct store *store = script_overlay(dir, &script);
		struct txn txn;

		memcpy(script.steps, c->steps, sizeof script.steps);
		for (int i = 0; i < 2; i++) { /* each transaction has changes of its own */
			assert_int_equal(txn_begin(store, false, &txn), 0);
			check_seen(c, &txn);
			assert_int_equal(txn_commit(&txn, NULL), 0);
		}
		store_close(store);
		fixture_remove(dir);
	}
}

static void test_get(void **state)
{
	char *dir = fixture_dir();
	struct script script = {.steps = {"a=5", "b=6", "d"}};
	struct store *store = script_overlay(dir, &script);
	struct span a, b, got;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("a"), &a), 1);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("b"), &b), 1);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("d"), &got), 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("e"), &got), 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("f"), &got), 1);
	assert_memory_equal(got.at, "3", 1);
	assert_memory_equal(a.at, "5", 1);
	assert_memory_equal(b.at, "6", 1);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* An index to which nothing was written yet. */
static void test_empty_base(void **state)
{
	char *dir = fixture_dir(), text[200];
	struct store_config config = {.directory = dir, .read_only = true};
	struct script script = {.steps = {"b=2", "a=1", "c"}};
	struct store *base = fixture_store(dir, MAP_SIZE), *store;
	struct txn txn;

	(void)state;
	store_close(base);
	assert_int_equal(store_open_lmdb(&config, &base, NULL), 0);
	store = script_over(base, script_run, &script);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	script_walk(&txn, "", text);
	assert_string_equal(text, "a=1 b=2 ");
	script_last(&txn, text);
	assert_string_equal(text, "b=2 ");
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* The base, and other transactions, see nothing of it. */
static void test_two_at_once(void **state)
{
	char *dir = fixture_dir(), text[200];
	struct script script = {.steps = {"a=1", "b"}};
	struct store *base = script_base(dir), *store = script_over(base, script_run, &script);
	struct txn one, two, plain;

	(void)state;
	assert_int_equal(txn_begin(store, false, &one), 0);
	script.steps[0] = "f=4";
	script.steps[1] = NULL;
	assert_int_equal(txn_begin(store, false, &two), 0);
	assert_int_equal(txn_begin(base, false, &plain), 0);
	script_walk(&one, "", text);
	assert_string_equal(text, "a=1 d=2 f=3 ");
	script_walk(&two, "", text);
	assert_string_equal(text, "b=1 d=2 f=4 ");
	txn_abort(&one);
	script_walk(&two, "", text);
	assert_string_equal(text, "b=1 d=2 f=4 ");
	script_walk(&plain, "", text);
	assert_string_equal(text, "b=1 d=2 f=3 ");
	txn_abort(&plain);
	txn_abort(&two);
	store_close(store);
	fixture_remove(dir);
}

static void *read_many_times(void *arg)
{
	for (int i = 0; i < 200; i++) {
		char text[200];
		struct txn txn;

		if (txn_begin(arg, false, &txn) != 0)
			return arg;
		script_walk(&txn, "", text);
		txn_abort(&txn);
		if (strcmp(text, "a=1 d=2 f=3 ") != 0)
			return arg;
	}
	return NULL;
}

static void test_threads(void **state)
{
	char *dir = fixture_dir();
	struct script script = {.steps = {"a=1", "b"}, .calls = 10};
	struct store *store = script_overlay(dir, &script);
	pthread_t threads[3];
	void *bad;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_many_times, store), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(script.calls, 10 + 3 * 200);
	store_close(store);
	fixture_remove(dir);
}

/* ---- what it costs, in operations of the base */

enum { ROWS = 500 };

static void put_rows(struct txn *txn, enum store_table table)
{
	unsigned char key[ENTRY_KEY_SIZE];

	for (uint64_t i = 1; i <= ROWS; i++)
		txn_put(txn, table, entry_key(i, key), EMPTY_SPAN, true);
}

/* The last half of the base goes, and for each message that comes the last row is asked for. */
static int replace_half(void *arg, struct span read, struct txn *txn)
{
	unsigned char buf[ENTRY_KEY_SIZE];

	(void)arg;
	(void)read;
	for (uint64_t i = ROWS; i > ROWS / 2; i--)
		assert_int_equal(txn_delete(txn, STORE_MESSAGE, entry_key(i, buf)), 1);
	for (uint64_t i = ROWS / 2 + 1; i <= ROWS; i++) {
		struct store_cursor *cursor = cursor_open(txn, STORE_MESSAGE);
		struct span key, value;

		assert_int_equal(cursor_last(cursor, &key, &value), 1);
		assert_int_equal(entry_number(key), i - 1);
		cursor_close(cursor);
		txn_put(txn, STORE_MESSAGE, entry_key(i, buf), EMPTY_SPAN, true);
	}
	return 0;
}

static long walk_counting(struct txn *txn, enum store_table table, struct store_faults *faults)
{
	struct store_cursor *cursor = cursor_open(txn, table);
	long before = faults->operations;
	struct span key, value;
	int rows = 0;

	for (int found = cursor_seek(cursor, EMPTY_SPAN, &key, &value); found == 1;
	     found = cursor_next(cursor, &key, &value))
		rows++;
	cursor_close(cursor);
	assert_int_equal(rows, ROWS);
	return faults->operations - before;
}

static void test_cost(void **state)
{
	char *dir = fixture_dir();
	struct store_faults faults = {0};
	struct store *base = store_open_failing(fixture_store(dir, MAP_SIZE), &faults), *store;
	struct txn txn;

	(void)state;
	assert_non_null(base);
	assert_int_equal(txn_begin(base, true, &txn), 0);
	put_rows(&txn, STORE_MESSAGE);
	put_rows(&txn, STORE_META);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	store = script_over(base, replace_half, NULL);
	faults.operations = 0;
	assert_int_equal(txn_begin(store, false, &txn), 0);
	/* Opening and a few moves for each row, not a walk for each. */
	assert_in_range(faults.operations, ROWS, 6 * ROWS);
	assert_int_equal(walk_counting(&txn, STORE_META, &faults), ROWS + 1);
	assert_int_equal(walk_counting(&txn, STORE_MESSAGE, &faults), ROWS + 1);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* Usage, check and preallocation are the base's. */
static void test_passed_through(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct script script = {.steps = {"a=1"}};
	struct store *store = script_overlay(dir, &script);
	struct store_usage usage = {0};
	struct stat before, after;

	(void)state;
	assert_int_equal(store_usage(store, &usage, NULL), 0);
	assert_int_equal(usage.rows[STORE_META], 3);
	assert_int_equal(script.calls, 0);
	assert_int_equal(store_check(store), 0);
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(store_preallocate(store, 4 << 20), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_blocks > before.st_blocks);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_check(store), ERR_STALE);
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_what_is_seen), cmocka_unit_test(test_get),
    cmocka_unit_test(test_empty_base), cmocka_unit_test(test_two_at_once),
    cmocka_unit_test(test_threads), cmocka_unit_test(test_cost),
    cmocka_unit_test(test_passed_through))
