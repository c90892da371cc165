/* SPDX-License-Identifier: ISC */
/* The overlay where something fails: its fill, its base, who writes to it. The transaction says so,
 * and nothing of it stays behind. */
#include "tests/unit/index/script.h"

static void put_outside(struct txn *txn)
{
	txn_put(txn, STORE_META, span_text("a"), span_text("1"), false);
}

static void delete_outside(struct txn *txn)
{
	(void)txn_delete(txn, STORE_META, span_text("b"));
}

/* The code is the one that LMDB gives on a store that is open for reading. */
static void test_read_only(void **state)
{
	static const struct {
		const char *name;
		bool write;
		void (*work)(struct txn *txn);
	} cases[] = {
	    {"begin", true, put_outside},
	    {"put", false, put_outside},
	    {"delete", false, delete_outside},
	};
	char *dir = fixture_dir();
	struct store_config config = {.directory = dir, .read_only = true};
	struct script script = {.steps = {"a=1"}};
	struct store *base = script_base(dir), *overlay;

	(void)state;
	store_close(base);
	assert_int_equal(store_open_lmdb(&config, &base, NULL), 0);
	overlay = store_open_overlay(base, script_run, &script);
	assert_non_null(overlay);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {0};
		struct span got;
		struct txn lmdb, txn;

		(void)txn_begin(base, cases[i].write, &lmdb);
		cases[i].work(&lmdb);
		(void)txn_begin(overlay, cases[i].write, &txn);
		cases[i].work(&txn);
		case_assert(cases[i].name, txn.code == lmdb.code && txn.code == -EACCES);
		case_assert(
		    cases[i].name, txn_get(&txn, STORE_META, span_text("b"), &got) == -EACCES);
		txn_abort(&lmdb);
		case_assert(cases[i].name, txn_commit(&txn, &err) == -EACCES);
		case_assert_text(
		    cases[i].name, err.text, "failed to write to the index (open for reading)");
	}
	store_close(overlay);
	fixture_remove(dir);
}

static void test_no_way_back(void **state)
{
	char *dir = fixture_dir();
	struct script script = {.steps = {"a=1"}};
	struct store *store = script_overlay(dir, &script);
	struct store_cursor *cursor;
	struct span key, value;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, false, &txn), 0);
	cursor = cursor_open(&txn, STORE_META);
	assert_int_equal(cursor_last(cursor, &key, &value), 1);
	assert_int_equal(cursor_prev(cursor, &key, &value), -ENOTSUP);
	assert_int_equal(txn.code, -ENOTSUP);
	cursor_close(cursor);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_again(void **state)
{
	static const struct {
		const char *name;
		int again, code, want, calls;
	} cases[] = {
	    {"at once", 0, 0, 0, 1},
	    {"the second time", 1, 0, 0, 2},
	    {"the last time", 2, 0, 0, 3},
	    {"not even then", 9, 0, ERR_STALE, 3},
	    {"then failure", 1, ERR_DAMAGED, ERR_DAMAGED, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir(), text[200];
		struct script script = {
		    .steps = {"a=1", "b"}, .again = cases[i].again, .code = cases[i].code};
		struct store *store = script_overlay(dir, &script);
		struct txn txn;

		case_assert(cases[i].name, txn_begin(store, false, &txn) == cases[i].want);
		case_assert(cases[i].name, script.calls == cases[i].calls);
		case_assert(cases[i].name, !script.last[0] && !script.last[1]);
		case_assert(cases[i].name, script.last[2] == (cases[i].calls == 3));
		if (cases[i].want == 0) {
			script_walk(&txn, "", text);
			case_assert_text(cases[i].name, text, "a=1 d=2 f=3 ");
		}
		txn_abort(&txn);
		store_close(store);
		fixture_remove(dir);
	}
}

/* Another writer commits after the first try: the next one must see it. */
static int commit_below(struct txn *txn, bool last, void *arg)
{
	struct store **base = arg;
	struct span got;
	struct txn writer;

	(void)last;
	if (!*base)
		return txn_get(txn, STORE_META, span_text("new"), &got) == 1 ? 0 : ERR_DAMAGED;
	assert_int_equal(txn_begin(*base, true, &writer), 0);
	script_step(&writer, "new=1");
	assert_int_equal(txn_commit(&writer, NULL), 0);
	assert_int_equal(txn_get(txn, STORE_META, span_text("new"), &got), 0);
	*base = NULL;
	return OVERLAY_AGAIN;
}

static void test_again_is_a_new_snapshot(void **state)
{
	char *dir = fixture_dir();
	struct store *base = script_base(dir),
		     *store = store_open_overlay(base, commit_below, &base);
	struct txn txn;

	(void)state;
	assert_non_null(store);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static int fail_with_words(struct txn *txn, bool last, void *arg)
{
	(void)last;
	(void)arg;
	return txn_fail(txn, ERR_VERSION, "these changes are newer");
}

static int fail_and_say_nothing(struct txn *txn, bool last, void *arg)
{
	(void)fail_with_words(txn, last, arg);
	return 0;
}

static int put_bad_key(struct txn *txn, bool last, void *arg)
{
	(void)last;
	txn_put(txn, STORE_META, *(struct span *)arg, EMPTY_SPAN, false);
	return 0;
}

/* More than there can be. */
static int put_too_much(struct txn *txn, bool last, void *arg)
{
	(void)last;
	txn_put(txn, STORE_META, span_text("k"), *(struct span *)arg, false);
	return 0;
}

static void test_fill_fails(void **state)
{
	static unsigned char bytes[600];
	static struct span none = {bytes, 0}, fits = {bytes, 511}, too_long = {bytes, 512},
			   too_much = {bytes, SIZE_MAX}, too_much_too = {bytes, SIZE_MAX - 40};
	static const struct {
		const char *name;
		overlay_fill *fill;
		void *arg;
		int want;
		const char *words;
	} cases[] = {
	    {"with words", fail_with_words, NULL, ERR_VERSION, "these changes are newer"},
	    {"and says 0", fail_and_say_nothing, NULL, ERR_VERSION, "these changes are newer"},
	    {"empty key", put_bad_key, &none, -EINVAL, "Invalid argument"},
	    {"longest key", put_bad_key, &fits, 0, ""},
	    {"longer key", put_bad_key, &too_long, -EINVAL, "Invalid argument"},
	    {"no memory", put_too_much, &too_much, -ENOMEM, "Cannot allocate memory"},
	    {"no memory for all", put_too_much, &too_much_too, -ENOMEM, "Cannot allocate memory"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct store *store =
		    store_open_overlay(script_base(dir), cases[i].fill, cases[i].arg);
		struct txn txn;

		assert_non_null(store);
		case_assert(cases[i].name, txn_begin(store, false, &txn) == cases[i].want);
		case_assert_text(cases[i].name, txn.err.text, cases[i].words);
		txn_abort(&txn);
		store_close(store);
		fixture_remove(dir);
	}
}

/* Every operation of the base fails in its turn: at the beginning or later, and is reported. */
static void test_base_fails(void **state)
{
	char *dir = fixture_dir(), text[200];
	struct store_faults faults = {0};
	struct script script = {.steps = {"a=1", "f", "d"}};
	struct store *base = store_open_failing(script_base(dir), &faults), *store;
	long n;

	(void)state;
	assert_non_null(base);
	store = store_open_overlay(base, script_run, &script);
	assert_non_null(store);
	for (n = 0; n < 100; n++) {
		struct err err = {0};
		struct txn txn;
		uint64_t count;
		int code;

		faults.fail_after = n;
		faults.fail_code = ERR_DAMAGED;
		(void)txn_begin(store, false, &txn);
		script_walk(&txn, "", text);
		script_last(&txn, text);
		(void)txn_count(&txn, STORE_META, &count);
		code = txn_commit(&txn, &err);
		faults.fail_code = 0;
		if (code == 0)
			break;
		if (code != ERR_DAMAGED || err.text[0] == '\0')
			case_fail("fault", "operation %ld: code %d '%s'", n, code, err.text);
	}
	assert_in_range(n, 10, 30);
	assert_string_equal(text, "b=1 ");
	store_close(store);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_read_only), cmocka_unit_test(test_no_way_back),
    cmocka_unit_test(test_again), cmocka_unit_test(test_again_is_a_new_snapshot),
    cmocka_unit_test(test_fill_fails), cmocka_unit_test(test_base_fails))
