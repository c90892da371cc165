/* SPDX-License-Identifier: ISC */
/* The index directory as its writer has it. */
#include "tests/unit/index/fixture.h"

#include "index/coverage.h"

static struct home open_home(const char *dir, bool recording)
{
	struct home home;
	struct err err = {0};

	if (home_open(dir, MAP_SIZE, recording, &home, &err) != 0)
		case_fail("home_open", "%s", err.text);
	return home;
}

static size_t count_kind(struct home *home, enum coverage_kind kind, struct coverage_row *ret_last)
{
	struct coverage_row *rows;
	size_t count, found = 0;
	struct txn txn;

	assert_int_equal(txn_begin(home->store, true, &txn), 0);
	assert_int_equal(coverage_read(&txn, &rows, &count), 0);
	txn_abort(&txn);
	for (size_t i = 0; i < count; i++)
		if (rows[i].kind == kind) {
			found++;
			*ret_last = rows[i];
		}
	free(rows);
	return found;
}

static void test_life(void **state)
{
	char *dir = fixture_dir();
	struct coverage_row row;
	struct home home;

	(void)state;
	home = open_home(dir, true);
	assert_int_equal(home_check(&home), 0);
	assert_int_equal(count_kind(&home, COVERAGE_BEGIN, &row), 1);
	assert_int_equal(count_kind(&home, COVERAGE_GAP, &row), 0);
	home_close(&home);
	home_close(&home); /* closed twice is closed once */
	/* A command in between neither begins nor ends. */
	home = open_home(dir, false);
	assert_int_equal(count_kind(&home, COVERAGE_END, &row), 1);
	home_close(&home);
	home = open_home(dir, true);
	assert_int_equal(count_kind(&home, COVERAGE_BEGIN, &row), 2);
	assert_int_equal(count_kind(&home, COVERAGE_GAP, &row), 1);
	assert_string_equal(row.reason, "the daemon was not running");
	home_close(&home);
	fixture_remove(dir);
}

static void test_death_leaves_a_gap_from_the_last_sign(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct timespec times[2];
	struct coverage_row row;
	struct home home;
	int64_t sign;

	(void)state;
	home = open_home(dir, true);
	(void)snprintf(path, sizeof path, "%s/run", dir);
	sign = clock_wall();
	times[0] = times[1] =
	    (struct timespec){.tv_sec = sign / USEC_PER_SEC, .tv_nsec = sign % USEC_PER_SEC * 1000};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	home_abandon(&home);
	home = open_home(dir, true);
	assert_int_equal(count_kind(&home, COVERAGE_GAP, &row), 1);
	assert_int_equal(row.from, sign);
	assert_true(row.to >= sign);
	assert_string_equal(row.reason, "the daemon did not stop in order");
	home_close(&home);
	fixture_remove(dir);
}

static void test_touch(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct home home = open_home(dir, true);

	(void)state;
	(void)snprintf(path, sizeof path, "%s/run", dir);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	home_touch(&home, INT64_C(2000000001));
	assert_int_equal(home_last_sign(dir), INT64_C(2000000001));
	assert_int_equal(unlink(path), 0);
	home_touch(&home, INT64_C(3000000002));
	assert_int_equal(home_last_sign(dir), INT64_C(3000000002));
	home_close(&home);
	fixture_remove(dir);
}

static void test_only_one_writer(void **state)
{
	char *dir = fixture_dir(), want[100];
	struct home home = open_home(dir, true), other;
	struct err err = {0};

	(void)state;
	assert_int_equal(home_open(dir, MAP_SIZE, true, &other, &err), ERR_LOCKED);
	(void)snprintf(want, sizeof want, "in use by pid %ld (test_home)", (long)getpid());
	if (!strstr(err.text, want))
		case_fail("locked", "'%s' lacks '%s'", err.text, want);
	assert_int_equal(home_set_aside(dir, &err), ERR_LOCKED);
	home_close(&home);
	home = open_home(dir, false);
	home_close(&home);
	fixture_remove(dir);
}

static void set_schema(const char *dir, uint32_t schema)
{
	struct store *store = fixture_store(dir, MAP_SIZE);
	unsigned char buf[4];
	struct txn txn;

	be32_store(buf, schema);
	assert_int_equal(txn_begin(store, true, &txn), 0);
	txn_put(&txn, STORE_META, span_text(HOME_META_SCHEMA), (struct span){.at = buf, .len = 4},
	    false);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	store_close(store);
}

static void test_newer_schema(void **state)
{
	char *dir = fixture_dir();
	struct home home = open_home(dir, false);
	struct err err = {0};

	(void)state;
	home_close(&home);
	set_schema(dir, HOME_SCHEMA + 1);
	assert_int_equal(home_open(dir, MAP_SIZE, true, &home, &err), ERR_VERSION);
	assert_non_null(strstr(err.text, "made by a newer version (schema 2; this one knows 1)"));
	set_schema(dir, HOME_SCHEMA);
	home = open_home(dir, false);
	home_close(&home);
	fixture_remove(dir);
}

static void test_directory(void **state)
{
	char *dir = fixture_dir(), path[100], *moved;
	struct err err = {0};
	struct home home;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/new", dir);
	assert_int_equal(home_open(path, 0, false, &home, &err), ERR_NO_INDEX);
	assert_int_equal(access(path, F_OK), -1);
	home = open_home(path, true);
	assert_int_equal(home_check(&home), 0);
	/* Moved away: commits would go on succeeding for nobody. */
	assert_true(asprintf(&moved, "%s/moved", dir) > 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(home_check(&home), ERR_STALE);
	home_abandon(&home);
	home = open_home(path, true);
	assert_int_equal(home_check(&home), 0);
	home_close(&home);
	(void)snprintf(path, sizeof path, "%s/no/such", dir);
	assert_int_equal(home_open(path, MAP_SIZE, false, &home, &err), -ENOENT);
	assert_non_null(strstr(err.text, "failed to create index directory"));
	free(moved);
	fixture_remove(dir);
}

static void test_removed_lock_file(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct home home = open_home(dir, true);

	(void)state;
	(void)snprintf(path, sizeof path, "%s/lock", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(home_check(&home), ERR_STALE);
	home_abandon(&home);
	fixture_remove(dir);
}

static void test_set_aside(void **state)
{
	char *dir = fixture_dir(), path[100];
	struct err err = {0};
	struct home home;
	int fd;

	(void)state;
	(void)snprintf(path, sizeof path, "%s/data.mdb", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "garbage", 7), 7);
	assert_int_equal(close(fd), 0);
	assert_int_equal(home_open(dir, MAP_SIZE, true, &home, &err), ERR_DAMAGED);
	assert_int_equal(home_set_aside(dir, &err), 0);
	assert_int_equal(access(path, F_OK), -1);
	home = open_home(dir, true);
	home_close(&home);
	/* Twice within one second: both are kept. */
	assert_int_equal(home_set_aside(dir, &err), 0);
	home = open_home(dir, true);
	home_close(&home);
	assert_int_equal(home_set_aside(dir, &err), 0);
	assert_int_equal(home_set_aside(dir, &err), 0);
	fixture_remove(dir);
}

static void test_map_is_bounded_by_the_disk(void **state)
{
	char *dir = fixture_dir();
	struct store_usage usage;
	struct home home;

	(void)state;
	assert_int_equal(home_open(dir, INT64_C(1) << 40, false, &home, NULL), 0);
	assert_int_equal(store_usage(home.store, &usage, NULL), 0);
	assert_true(usage.map_pages * usage.page_size < UINT64_C(1) << 40);
	assert_true(usage.map_pages * usage.page_size >= UINT64_C(16) << 20);
	home_close(&home);
	fixture_remove(dir);
}

static void test_instance(void **state)
{
	char *dir = fixture_dir();
	struct home home = open_home(dir, false);
	struct span got;
	struct txn txn;

	(void)state;
	assert_int_equal(txn_begin(home.store, true, &txn), 0);
	assert_int_equal(home_instance(&txn, &got), 0);
	home_set_instance(&txn, span_text("here"));
	assert_int_equal(home_instance(&txn, &got), 1);
	assert_memory_equal(got.at, "here", 4);
	txn_abort(&txn);
	home_close(&home);
	fixture_remove(dir);
}

UNIT_MAIN(cmocka_unit_test(test_life), cmocka_unit_test(test_death_leaves_a_gap_from_the_last_sign),
    cmocka_unit_test(test_touch), cmocka_unit_test(test_only_one_writer),
    cmocka_unit_test(test_newer_schema), cmocka_unit_test(test_directory),
    cmocka_unit_test(test_removed_lock_file), cmocka_unit_test(test_set_aside),
    cmocka_unit_test(test_map_is_bounded_by_the_disk), cmocka_unit_test(test_instance))
