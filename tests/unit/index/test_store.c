/* SPDX-License-Identifier: ISC */
/* The LMDB store: transactions, its errors as ours, a writer killed in the middle, a reader that
 * lags. */
#include "tests/unit/index/fixture.h"

static void put_text(struct txn *txn, enum store_table table, const char *key, const char *value)
{
	txn_put(txn, table, span_text(key), span_text(value), false);
}

static void test_put_get_delete(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct span got;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("a"), &got), 0);
	put_text(&txn, STORE_META, "a", "1");
	put_text(&txn, STORE_META, "a", "2");
	assert_int_equal(txn_get(&txn, STORE_META, span_text("a"), &got), 1);
	assert_memory_equal(got.at, "2", 1);
	assert_int_equal(txn_get(&txn, STORE_RULE, span_text("a"), &got), 0);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	assert_int_equal(txn_delete(&txn, STORE_META, span_text("a")), 1);
	assert_int_equal(txn_delete(&txn, STORE_META, span_text("a")), 0);
	txn_abort(&txn);
	assert_int_equal(fixture_rows(store, STORE_META), 1);
	store_close(store);
	fixture_remove(dir);
}

static void test_cursor(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct store_cursor *cursor;
	struct span key, value;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, "b", "2");
	put_text(&txn, STORE_META, "a", "1");
	put_text(&txn, STORE_META, "d", "4");
	cursor = cursor_open(&txn, STORE_META);
	assert_int_equal(cursor_seek(cursor, EMPTY_SPAN, &key, &value), 1);
	assert_memory_equal(key.at, "a", 1);
	assert_int_equal(cursor_seek(cursor, span_text("c"), &key, &value), 1);
	assert_memory_equal(value.at, "4", 1);
	assert_int_equal(cursor_next(cursor, &key, &value), 0);
	assert_int_equal(cursor_last(cursor, &key, &value), 1);
	assert_memory_equal(key.at, "d", 1);
	assert_int_equal(cursor_prev(cursor, &key, &value), 1);
	assert_memory_equal(key.at, "b", 1);
	assert_int_equal(cursor_prev(cursor, &key, &value), 1);
	assert_int_equal(cursor_prev(cursor, &key, &value), 0);
	assert_int_equal(cursor_seek(cursor, span_text("e"), &key, &value), 0);
	cursor_close(cursor);
	cursor = cursor_open(&txn, STORE_RULE);
	assert_int_equal(cursor_last(cursor, &key, &value), 0);
	cursor_close(cursor);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void test_open_errors(void **state)
{
	static const struct {
		const char *name, *content;
		size_t len;
		bool read_only;
		int want;
		const char *words;
	} cases[] = {
	    {"reader of nothing", NULL, 0, true, ERR_NO_INDEX, "no index in"},
	    {"reader of an empty file", "", 0, true, ERR_NO_INDEX, "no index in"},
	    {"garbage", "garbage, and enough of it", 10000, false, ERR_DAMAGED, "is damaged"},
	    {"reader of garbage", "garbage, and enough of it", 10000, true, ERR_DAMAGED,
		"is damaged"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *dir = fixture_dir(), path[100];
		struct store_config config = {
		    .directory = dir, .map_size = MAP_SIZE, .read_only = cases[i].read_only};
		struct store *store = NULL;
		struct err err = {0};
		int fd, code;

		(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
		if (cases[i].content) {
			fd = open(path, O_WRONLY | O_CREAT, 0600);
			assert_true(fd >= 0);
			for (size_t at = 0; at < cases[i].len; at += strlen(cases[i].content))
				assert_true(
				    write(fd, cases[i].content, strlen(cases[i].content)) > 0);
			assert_int_equal(close(fd), 0);
		}
		code = store_open_lmdb(&config, &store, &err);
		if (code != cases[i].want || !strstr(err.text, cases[i].words))
			case_fail(cases[i].name, "code %d, '%s'", code, err.text);
		fixture_remove(dir);
	}
}

static void test_reader_of_an_environment_without_tables(void **state)
{
	char *dir = fixture_dir();
	struct store_config config = {.directory = dir, .read_only = true};
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct store_cursor *cursor;
	struct span key, value;
	struct txn txn;

	(void)state;
	store_close(store);
	assert_int_equal(store_open_lmdb(&config, &store, NULL), 0);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("x"), &value), 0);
	cursor = cursor_open(&txn, STORE_MESSAGE);
	assert_non_null(cursor);
	assert_int_equal(cursor_seek(cursor, EMPTY_SPAN, &key, &value), 0);
	cursor_close(cursor);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

static void commit_some(struct store *store, int count)
{
	struct txn txn;

	for (int i = 0; i < count; i++) {
		assert_int_equal(txn_begin(store, true, &txn), 0);
		put_text(&txn, STORE_META, "k", i % 2 ? "1" : "2");
		assert_int_equal(txn_commit(&txn, NULL), 0);
	}
}

/* Where a page that names the tables is damaged, LMDB may simply not find them. */
static void test_reader_of_a_damaged_list_of_tables(void **state)
{
	enum { PAGE = 4096, METAS = 2, HEAD = 16 };
	char *dir = fixture_dir(), path[100];
	struct store_config config = {.directory = dir, .read_only = true};
	struct store *store = fixture_store(dir, MAP_SIZE);
	static const char no_nodes[4] = {HEAD, 0, (char)(PAGE & 0xff), PAGE >> 8};
	static const char leaf[2] = {2, 0};
	struct err err = {0};
	struct stat st;
	int fd;

	(void)state;
	commit_some(store, 2);
	store_close(store);
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t page = METAS; page < st.st_size / PAGE; page++) {
		assert_int_equal(pwrite(fd, leaf, 2, page * PAGE + 10), 2);
		assert_int_equal(pwrite(fd, no_nodes, 4, page * PAGE + 12), 4);
	}
	assert_int_equal(close(fd), 0);
	assert_int_equal(store_open_lmdb(&config, &store, &err), ERR_DAMAGED);
	assert_non_null(strstr(err.text, "is damaged"));
	fixture_remove(dir);
}

static void test_map_full(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, INT64_C(1) << 20);
	struct err err = {0};
	uint64_t rows;
	struct txn txn;

	(void)state;
	assert_int_equal(fixture_fill(store, &err), ERR_FULL);
	assert_string_equal(err.text, "the index is full (index_map_size 1M)");
	rows = fixture_rows(store, STORE_MESSAGE);
	assert_true(rows > 50);
	/* Still usable: rows can go, and then others come. */
	for (uint64_t i = 1; i <= 20; i++) {
		unsigned char key[8];

		assert_int_equal(txn_begin(store, true, &txn), 0);
		assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(i, key)), 1);
		assert_int_equal(txn_commit(&txn, &err), 0);
	}
	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, "a", "1");
	assert_int_equal(txn_commit(&txn, &err), 0);
	store_close(store);
	fixture_remove(dir);
}

static void test_sticky(void **state)
{
	static char key[600];
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct err err = {0};
	struct span got;
	struct txn txn;
	int code;

	(void)state;
	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, "a", "1");
	/* Longer than any key may be. */
	txn_put(&txn, STORE_META, (struct span){.at = key, .len = sizeof key}, EMPTY_SPAN, false);
	code = txn.code;
	assert_true(code < 0);
	assert_int_equal(txn_get(&txn, STORE_META, span_text("a"), &got), code);
	assert_int_equal(txn_delete(&txn, STORE_META, span_text("a")), code);
	assert_null(cursor_open(&txn, STORE_META));
	assert_int_equal(txn_commit(&txn, &err), code);
	assert_true(err.text[0] != '\0');
	assert_int_equal(fixture_rows(store, STORE_META), 0);
	store_close(store);
	fixture_remove(dir);
}

/* The child dies in its transaction, with rows put and none committed. */
static void test_killed_writer(void **state)
{
	char *dir = fixture_dir(), byte;
	struct store *store;
	struct txn txn;
	int ends[2], status;
	pid_t pid;

	(void)state;
	store = fixture_store(dir, MAP_SIZE);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, "kept", "1");
	assert_int_equal(txn_commit(&txn, NULL), 0);
	store_close(store);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct store_config config = {.directory = dir, .map_size = MAP_SIZE};

		if (store_open_lmdb(&config, &store, NULL) != 0 ||
		    txn_begin(store, true, &txn) != 0)
			_exit(1);
		put_text(&txn, STORE_META, "lost", "1");
		(void)!write(ends[1], "x", 1);
		fixture_wait_for_death();
		_exit(1);
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(close(ends[0]), 0);
	store = fixture_store(dir, MAP_SIZE);
	assert_int_equal(fixture_rows(store, STORE_META), 1);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, "more", "1");
	assert_int_equal(txn_commit(&txn, NULL), 0);
	store_close(store);
	fixture_remove(dir);
}

/* A larger map is for who opens the store next: what was viewed in this one stays where it is. */
static void test_outgrown_reader(void **state)
{
	static const unsigned char bytes[4 << 20];
	const struct span large = {bytes, sizeof bytes};
	char *dir = fixture_dir();
	struct store_config config = {.directory = dir, .read_only = true};
	struct store *store = fixture_store(dir, 1 << 20), *reader = NULL;
	struct span view;
	struct txn first, second, txn;

	(void)state;
	commit_some(store, 1);
	store_close(store);
	assert_int_equal(store_open_lmdb(&config, &reader, NULL), 0);
	assert_int_equal(txn_begin(reader, false, &first), 0);
	store = fixture_store(dir, MAP_SIZE);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	txn_put(&txn, STORE_META, span_text("large"), large, false);
	put_text(&txn, STORE_META, "seen", "1");
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(txn_begin(reader, false, &second), ERR_STALE);
	assert_int_equal(txn_get(&first, STORE_META, span_text("seen"), &view), 0);
	txn_abort(&second);
	txn_abort(&first);
	store_close(reader);
	assert_int_equal(store_open_lmdb(&config, &reader, NULL), 0);
	assert_int_equal(txn_begin(reader, false, &first), 0);
	assert_int_equal(txn_get(&first, STORE_META, span_text("seen"), &view), 1);
	txn_abort(&first);
	store_close(reader);
	store_close(store);
	fixture_remove(dir);
}

static void test_lagging_reader(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct store_usage usage;
	pid_t pid;

	(void)state;
	commit_some(store, 1);
	pid = fixture_reader(dir);
	assert_int_equal(store_usage(store, &usage, NULL), 0);
	assert_int_equal(usage.oldest_reader, 0);
	commit_some(store, 20);
	assert_int_equal(store_usage(store, &usage, NULL), 0);
	assert_int_equal(usage.oldest_reader, pid);
	assert_int_equal(usage.reader_lag, 20);
	/* A killed reader holds nothing back. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(store_usage(store, &usage, NULL), 0);
	assert_int_equal(usage.oldest_reader, 0);
	store_close(store);
	fixture_remove(dir);
}

static void test_usage(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct store_usage before, full, after;
	unsigned char key[8];
	struct txn txn;

	(void)state;
	assert_int_equal(store_usage(store, &before, NULL), 0);
	assert_int_equal(before.map_pages * before.page_size, MAP_SIZE);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (uint64_t i = 1; i <= 10000; i++)
		txn_put(&txn, STORE_MESSAGE, entry_key(i, key), span_text("some bytes of a value"),
		    true);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(store_usage(store, &full, NULL), 0);
	assert_int_equal(full.rows[STORE_MESSAGE], 10000);
	assert_true(full.used_pages > before.used_pages + 50);
	assert_true(full.file_bytes > before.file_bytes);
	/* Pages that are free again are not used, though the file keeps them. */
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (uint64_t i = 1; i <= 10000; i++)
		assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(i, key)), 1);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	assert_int_equal(store_usage(store, &after, NULL), 0);
	assert_int_equal(after.rows[STORE_MESSAGE], 0);
	assert_true(after.used_pages < before.used_pages + 10);
	store_close(store);
	fixture_remove(dir);
}

static void test_blocking_double(void **state)
{
	char *dir = fixture_dir();
	_Atomic bool blocked = false;
	struct store *store = store_open_blocking(fixture_store(dir, MAP_SIZE), &blocked);
	pid_t pid;
	int status;

	(void)state;
	assert_non_null(store);
	commit_some(store, 1);
	assert_int_equal(fixture_rows(store, STORE_META), 1);
	store_close(store);
	/* Blocked, a commit does not come back: its alarm ends the child. */
	pid = fork();
	if (pid == 0) {
		blocked = true;
		store = store_open_blocking(fixture_store(dir, MAP_SIZE), &blocked);
		(void)ualarm(50000, 0);
		commit_some(store, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_put_get_delete), cmocka_unit_test(test_cursor),
    cmocka_unit_test(test_open_errors),
    cmocka_unit_test(test_reader_of_an_environment_without_tables),
    cmocka_unit_test(test_reader_of_a_damaged_list_of_tables), cmocka_unit_test(test_map_full),
    cmocka_unit_test(test_sticky), cmocka_unit_test(test_killed_writer),
    cmocka_unit_test(test_outgrown_reader), cmocka_unit_test(test_lagging_reader),
    cmocka_unit_test(test_usage), cmocka_unit_test(test_blocking_double))
