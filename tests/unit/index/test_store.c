/* SPDX-License-Identifier: ISC */
/* The store: transactions, LMDB's errors as ours, snapshots, a writer killed in the middle, its
 * file. */
#include "tests/unit/index/fixture.h"

static void put_text(struct txn *txn, enum store_table table, const char *key, const char *value)
{
	txn_put(txn, table, span_text(key), span_text(value), false);
}

static void commit_text(struct store *store, const char *key, const char *value)
{
	struct txn txn;

	assert_int_equal(txn_begin(store, true, &txn), 0);
	put_text(&txn, STORE_META, key, value);
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

static struct store_usage usage_of(struct store *store)
{
	struct store_usage usage = {0};
	struct txn txn;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_usage(&txn, &usage), 0);
	txn_abort(&txn);
	return usage;
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
	assert_int_equal(txn_get(&txn, STORE_LEFT, span_text("a"), &got), 0);
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
	assert_int_equal(cursor_seek(cursor, span_text("e"), &key, &value), 0);
	cursor_close(cursor);
	cursor = cursor_open(&txn, STORE_AUTHOR);
	assert_int_equal(cursor_last(cursor, &key, &value), 0);
	cursor_close(cursor);
	txn_abort(&txn);
	store_close(store);
	fixture_remove(dir);
}

/* A reader sees the state at its begin until it renews. */
static void test_renew(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn reader;
	struct span got;

	(void)state;
	commit_text(store, "a", "1");
	assert_int_equal(txn_begin(store, false, &reader), 0);
	commit_text(store, "a", "2");
	assert_int_equal(txn_get(&reader, STORE_META, span_text("a"), &got), 1);
	assert_memory_equal(got.at, "1", 1);
	assert_int_equal(txn_renew(&reader), 0);
	assert_int_equal(txn_get(&reader, STORE_META, span_text("a"), &got), 1);
	assert_memory_equal(got.at, "2", 1);
	txn_abort(&reader);
	store_close(store);
	fixture_remove(dir);
}

static void put_file(const char *path, const char *content, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	for (size_t at = 0; at < len; at += strlen(content))
		assert_true(write(fd, content, strlen(content)) > 0);
	assert_int_equal(close(fd), 0);
}

static void test_open_garbage(void **state)
{
	char *dir = fixture_dir();
	const char *path = fixture_path(dir, INDEX_FILE);
	struct store *store = NULL;
	struct err err = {0};

	(void)state;
	put_file(path, "garbage, and enough of it", 10000);
	assert_int_equal(store_open(path, MAP_SIZE, &store, &err), ERR_DAMAGED);
	assert_non_null(strstr(err.text, "is damaged"));
	assert_null(store);
	assert_int_equal(store_open(fixture_path(dir, "no/such"), MAP_SIZE, &store, &err), -ENOENT);
	assert_non_null(strstr(err.text, "failed to open index"));
	fixture_remove(dir);
}

/* Returns the code of the commit that failed. */
static int fill(struct store *store, struct err *err)
{
	static char big[3000];
	unsigned char key[8];
	struct txn txn;
	int code = 0;

	for (uint64_t i = 1; code == 0 && i < 100000; i++) {
		(void)txn_begin(store, true, &txn);
		txn_put(&txn, STORE_MESSAGE, entry_key(i, key),
		    (struct span){.at = big, .len = sizeof big}, true);
		code = txn_commit(&txn, err);
	}
	return code;
}

static void test_map_full(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, INT64_C(1) << 20);
	struct err err = {0};
	unsigned char key[8];
	struct txn txn;

	(void)state;
	assert_int_equal(fill(store, &err), ERR_FULL);
	assert_string_equal(err.text, "the index is full (1 MiB)");
	assert_true(fixture_rows(store, STORE_MESSAGE) > 50);
	/* Still usable: rows can go, and then others can come. */
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(txn_begin(store, true, &txn), 0);
		assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(i, key)), 1);
		assert_int_equal(txn_commit(&txn, &err), 0);
	}
	commit_text(store, "a", "1");
	assert_int_equal(store_check(store), 0);
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
	assert_int_equal(txn_fail(&txn, ERR_FULL, "later"), code);
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
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;
	int ends[2];
	pid_t pid;

	(void)state;
	commit_text(store, "kept", "1");
	store_close(store);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		store = fixture_store(dir, MAP_SIZE);
		if (txn_begin(store, true, &txn) != 0)
			_exit(1);
		put_text(&txn, STORE_META, "lost", "1");
		(void)!write(ends[1], "x", 1);
		fixture_wait_for_death();
		_exit(1);
	}
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	fixture_kill(pid);
	assert_int_equal(close(ends[0]), 0);
	store = fixture_store(dir, MAP_SIZE);
	assert_int_equal(fixture_rows(store, STORE_META), 1);
	commit_text(store, "more", "1");
	store_close(store);
	fixture_remove(dir);
}

static void test_usage(void **state)
{
	char *dir = fixture_dir();
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct store_usage before = usage_of(store), full, after;
	unsigned char key[8];
	struct txn txn;

	(void)state;
	assert_int_equal(before.map_pages * before.page_size, MAP_SIZE);
	assert_true(before.free_bytes > 0);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (uint64_t i = 1; i <= 10000; i++)
		txn_put(&txn, STORE_MESSAGE, entry_key(i, key), span_text("some bytes of a value"),
		    true);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	full = usage_of(store);
	assert_int_equal(full.rows[STORE_MESSAGE], 10000);
	assert_true(full.used_pages > before.used_pages + 50);
	assert_true(full.file_bytes > before.file_bytes);
	/* Freed pages do not count as used, although the file keeps them. */
	assert_int_equal(txn_begin(store, true, &txn), 0);
	for (uint64_t i = 1; i <= 10000; i++)
		assert_int_equal(txn_delete(&txn, STORE_MESSAGE, entry_key(i, key)), 1);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	after = usage_of(store);
	assert_int_equal(after.rows[STORE_MESSAGE], 0);
	assert_true(after.used_pages < before.used_pages + 10);
	store_close(store);
	fixture_remove(dir);
}

static void test_check(void **state)
{
	char *dir = fixture_dir();
	const char *path = fixture_path(dir, INDEX_FILE);
	struct store *store = fixture_store(dir, MAP_SIZE);
	struct txn txn;

	(void)state;
	assert_int_equal(store_check(store), 0);
	assert_int_equal(rename(path, fixture_path(dir, "moved")), 0);
	assert_int_equal(store_check(store), ERR_STALE);
	put_file(path, "another", 7);
	assert_int_equal(store_check(store), ERR_STALE);
	assert_int_equal(rename(fixture_path(dir, "moved"), path), 0);
	assert_int_equal(store_check(store), 0);
	(void)txn_begin(store, false, &txn);
	(void)txn_fail(&txn, ERR_DAMAGED, NULL);
	txn_abort(&txn);
	assert_true(store_is_damaged(store));
	assert_int_equal(store_check(store), ERR_STALE);
	store_close(store);
	fixture_remove(dir);
}

static void test_nothing_is_inherited(void **state)
{
	char *dir = fixture_dir(), path[64], target[200];
	struct store *store = fixture_store(dir, MAP_SIZE);
	int seen = 0;

	(void)state;
	for (int fd = 3; fd < 64; fd++) {
		ssize_t len;

		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof target - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strncmp(target, dir, strlen(dir)) != 0)
			continue;
		seen++;
		if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			case_fail(target, "would be inherited");
	}
	assert_true(seen >= 2);
	store_close(store);
	fixture_remove(dir);
}

/* ---- damage */

static void fill_some(const char *dir)
{
	struct store *store = fixture_store(dir, MAP_SIZE);
	static char large[9000];
	unsigned char key[8];
	struct txn txn;

	for (uint64_t i = 1; i <= 3000; i++) {
		assert_int_equal(txn_begin(store, true, &txn), 0);
		txn_put(&txn, STORE_MESSAGE, entry_key(i, key),
		    (struct span){.at = large, .len = i % 100 ? 200 : sizeof large}, true);
		txn_put(&txn, STORE_INODE, entry_key(i * 7919 % 3000, key), EMPTY_SPAN, false);
		if (i > 500)
			(void)txn_delete(&txn, STORE_MESSAGE, entry_key(i - 500, key));
		assert_int_equal(txn_commit(&txn, NULL), 0);
	}
	assert_int_equal(store_read_all(store, NULL), 0);
	store_close(store);
}

/* In a child, which the file may kill: returns its code, or 1 after a signal. */
static int read_in_a_child(const char *dir)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct store *store;
		int code;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(20);
		/* cmocka's handler would go on with the next test. */
		for (size_t i = 0; i < COUNT_OF(deadly); i++)
			(void)signal(deadly[i], SIG_DFL);
		(void)close(2); /* LMDB writes to stderr before it aborts */
		code = store_open(fixture_path(dir, INDEX_FILE), MAP_SIZE, &store, NULL);
		if (code == 0)
			code = store_read_all(store, NULL);
		_exit(code == 0 ? 0 : code == ERR_DAMAGED ? 2 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		case_fail("damage", "reading does not end");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Damages bytes in the heads of pages, where it has most effect. */
static void damage(const char *path, off_t size, unsigned *seed)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	for (int i = 0; i < 20; i++) {
		off_t page = 2 + rand_r(seed) % (size / 4096 - 2);
		char byte = (char)rand_r(seed);

		assert_int_equal(pwrite(fd, &byte, 1, page * 4096 + rand_r(seed) % 64), 1);
	}
	assert_int_equal(close(fd), 0);
}

static off_t copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	assert_true(in >= 0 && out >= 0);
	assert_int_equal(fstat(in, &st), 0);
	assert_int_equal(copy_file_range(in, NULL, out, NULL, (size_t)st.st_size, 0), st.st_size);
	assert_int_equal(close(in), 0);
	assert_int_equal(close(out), 0);
	return st.st_size;
}

static void test_damage_shows(void **state)
{
	char *dir = fixture_dir(), *other = fixture_dir();
	unsigned found = 0, seed = 1;

	(void)state;
	fill_some(dir);
	for (int round = 0; round < 60; round++) {
		const char *copy = fixture_path(other, INDEX_FILE);
		off_t size = copy_file(fixture_path(dir, INDEX_FILE), copy);

		damage(copy, size, &seed);
		found += read_in_a_child(other) != 0;
	}
	/* Damage in free pages may go unseen. */
	assert_true(found > 20);
	fixture_remove(dir);
	fixture_remove(other);
}

/* A truncated file is an error: reading past its end would kill. */
static void test_truncated_file(void **state)
{
	char *dir = fixture_dir();

	(void)state;
	fill_some(dir);
	assert_int_equal(read_in_a_child(dir), 0);
	assert_int_equal(truncate(fixture_path(dir, INDEX_FILE), 3 * 4096), 0);
	assert_int_equal(read_in_a_child(dir), 2);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_put_get_delete), cmocka_unit_test(test_cursor),
    cmocka_unit_test(test_renew), cmocka_unit_test(test_open_garbage),
    cmocka_unit_test(test_map_full), cmocka_unit_test(test_sticky),
    cmocka_unit_test(test_killed_writer), cmocka_unit_test(test_usage),
    cmocka_unit_test(test_check), cmocka_unit_test(test_nothing_is_inherited),
    cmocka_unit_test(test_damage_shows), cmocka_unit_test(test_truncated_file))
