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
	overlay = script_over(base, script_run, &script);
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

/* ---- what is read */

/* Another writer commits meanwhile: the snapshot must have it. */
static int commit_below(void *arg, struct bytes *ret, struct err *err)
{
	struct txn writer;

	(void)err;
	assert_int_equal(txn_begin(*(struct store **)arg, true, &writer), 0);
	script_step(&writer, "new=1");
	assert_int_equal(txn_commit(&writer, NULL), 0);
	bytes_put(ret, "read", 4);
	return 0;
}

static int see_both(void *arg, struct span read, struct txn *txn)
{
	struct span got;

	(void)arg;
	assert_int_equal(read.len, 4);
	assert_memory_equal(read.at, "read", 4);
	return txn_get(txn, STORE_META, span_text("new"), &got) == 1 ? 0 : ERR_DAMAGED;
}

static void test_read_before_the_snapshot(void **state)
{
	char *dir = fixture_dir();
	struct store *base = script_base(dir), *store;
	struct txn txn;

	(void)state;
	store = store_open_overlay(base, &(struct overlay_source){commit_below, see_both, &base});
	assert_non_null(store);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static int read_nothing(void *arg, struct bytes *ret, struct err *err)
{
	(void)arg;
	bytes_put(ret, "half", 4);
	return err_set(err, ERR_NO_INDEX, "there is nothing to read");
}

static int read_too_much(void *arg, struct bytes *ret, struct err *err)
{
	(void)arg;
	(void)err;
	bytes_put(ret, "", SIZE_MAX);
	return 0;
}

static void test_read_fails(void **state)
{
	static const struct {
		const char *name;
		overlay_read *read;
		int want;
		const char *words;
	} cases[] = {
	    {"with words", read_nothing, ERR_NO_INDEX, "there is nothing to read"},
	    {"no memory", read_too_much, -ENOMEM, "Cannot allocate memory"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir();
		struct script script = {.code = 0};
		struct store *store = store_open_overlay(
		    script_base(dir), &(struct overlay_source){cases[i].read, script_run, &script});
		struct txn txn;

		assert_non_null(store);
		case_assert(cases[i].name, txn_begin(store, false, &txn) == cases[i].want);
		case_assert_text(cases[i].name, txn.err.text, cases[i].words);
		case_assert(cases[i].name, script.calls == 0);
		txn_abort(&txn);
		store_close(store);
		fixture_remove(dir);
	}
}

/* ---- fill */

static int fail_with_words(void *arg, struct span read, struct txn *txn)
{
	(void)arg;
	(void)read;
	return txn_fail(txn, ERR_VERSION, "these changes are newer");
}

static int fail_and_say_nothing(void *arg, struct span read, struct txn *txn)
{
	(void)fail_with_words(arg, read, txn);
	return 0;
}

static int put_bad_key(void *arg, struct span read, struct txn *txn)
{
	(void)read;
	txn_put(txn, STORE_META, *(struct span *)arg, EMPTY_SPAN, false);
	return 0;
}

/* More than there can be. */
static int put_too_much(void *arg, struct span read, struct txn *txn)
{
	(void)read;
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
		struct store *store = script_over(script_base(dir), cases[i].fill, cases[i].arg);
		struct txn txn;

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
	store = script_over(base, script_run, &script);
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
    cmocka_unit_test(test_read_before_the_snapshot), cmocka_unit_test(test_read_fails),
    cmocka_unit_test(test_fill_fails), cmocka_unit_test(test_base_fails))
