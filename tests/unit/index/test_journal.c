/* SPDX-License-Identifier: ISC */
/* The journal: what was committed to it is in the index, now and after any death; what was not is
 * not. */
#include "tests/unit/index/journal_pair.h"

#include <sys/resource.h>

static void test_seen_at_once_and_kept(void **state)
{
	struct pair p = pair_open();

	(void)state;
	append(p.journal, 0, 3);
	append(p.journal, 3, 4);
	assert_int_equal(journal_count(p.journal), 4);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 0);
	assert_int_equal(rows_for_readers(p.dir), 4);
	revive(&p);
	assert_int_equal(rows_for_readers(p.dir), 4);
	apply(&p);
	assert_int_equal(journal_count(p.journal), 0);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 4);
	assert_int_equal(rows_for_readers(p.dir), 4);
	pair_close(&p);
}

/* What the store has taken is not replayed, though it lies in the file still. */
static void test_dropped_rows_stay_away(void **state)
{
	struct pair p = pair_open();

	(void)state;
	append(p.journal, 0, 10);
	apply(&p);
	drop(&p, 5);
	assert_int_equal(rows_for_readers(p.dir), 9);
	revive(&p);
	apply(&p);
	assert_false(has(p.store, 5));
	/* One new frame, and behind it the rest of the old run. */
	append(p.journal, 10, 11);
	assert_int_equal(rows_for_readers(p.dir), 10);
	revive(&p);
	apply(&p);
	assert_false(has(p.store, 5));
	assert_true(has(p.store, 10));
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 10);
	pair_close(&p);
}

/* A kill between the store's commit and the rewind. */
static void test_applied_twice(void **state)
{
	struct pair p = pair_open();
	struct txn txn;

	(void)state;
	append(p.journal, 0, 3);
	assert_int_equal(txn_begin(p.store, true, &txn), 0);
	journal_replay(p.journal, &txn);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	drop(&p, 1);
	revive(&p);
	apply(&p);
	assert_false(has(p.store, 1));
	append(p.journal, 3, 5);
	assert_int_equal(rows_for_readers(p.dir), 4);
	pair_close(&p);
}

/* The file cut or changed at any byte: what comes before is there, what comes after is not, and
 * the journal works on. */
static void test_torn_anywhere(void **state)
{
	static unsigned char image[JOURNAL_BYTES], torn[JOURNAL_BYTES];
	struct pair p = pair_open();
	size_t ends[4] = {0}, used;

	(void)state;
	append(p.journal, 0, 3);
	read_journal(&p, image);
	for (int n = 0; n < 3; n++) {
		struct reader length = reader_of(image + ends[n] + 16, 4);

		ends[n + 1] = ends[n] + 20 + reader_u32(&length);
	}
	used = ends[3];
	for (size_t at = 0; at < used; at++) {
		uint64_t want = at < ends[1] ? 0 : at < ends[2] ? 1 : 2;

		memcpy(torn, image, sizeof(torn));
		torn[at] ^= 0x40;
		write_journal(&p, torn, sizeof(torn));
		if (rows_for_readers(p.dir) != want)
			case_fail("changed", "at %zu of %zu", at, used);
	}
	for (size_t at = 0; at < used; at++) {
		uint64_t want = at < ends[1] ? 0 : at < ends[2] ? 1 : 2;

		write_journal(&p, image, at);
		if (rows_for_readers(p.dir) != want)
			case_fail("cut", "at %zu of %zu", at, used);
	}
	revive(&p);
	append(p.journal, 3, 4);
	assert_int_equal(rows_for_readers(p.dir), 3);
	pair_close(&p);
}

static void test_full(void **state)
{
	struct pair p = pair_open();
	unsigned next = 0;
	int code;

	(void)state;
	do {
		for (int i = 0; i < 10; i++)
			stage(p.journal, next + (unsigned)i);
		code = journal_commit(p.journal);
		if (code == 0)
			next += 10;
	} while (code == 0);
	assert_int_equal(code, ERR_FULL);
	assert_true(next > 100);
	assert_int_equal(rows_for_readers(p.dir), next);
	/* A record that is larger than any journal, and one that still fits. */
	static const unsigned char large[JOURNAL_BYTES];
	journal_stage(p.journal, (struct span){large, sizeof(large)});
	stage(p.journal, next);
	assert_int_equal(journal_commit(p.journal), ERR_FULL);
	assert_int_equal(rows_for_readers(p.dir), next);
	apply(&p);
	append(p.journal, next, next + 10);
	assert_int_equal(rows_for_readers(p.dir), next + 10);
	pair_close(&p);
}

static void test_no_journal(void **state)
{
	struct pair p = pair_open();

	(void)state;
	journal_close(p.journal);
	p.journal = NULL;
	stage(NULL, 1);
	assert_int_equal(journal_commit(NULL), ERR_FULL);
	assert_int_equal(journal_count(NULL), 0);
	apply(&p);
	journal_tend(NULL);
	pair_close(&p);
}

/* The file removed under the writer: what was written into it counts for nothing, what the journal
 * held is still put into the store, and a new file is made. */
static void test_removed(void **state)
{
	struct pair p = pair_open();
	char *path = journal_path(&p);

	(void)state;
	append(p.journal, 0, 2);
	assert_int_equal(unlink(path), 0);
	stage(p.journal, 2);
	assert_int_equal(journal_commit(p.journal), ERR_STALE);
	stage(p.journal, 3);
	assert_int_equal(journal_commit(p.journal), ERR_FULL);
	journal_tend(p.journal); /* not before the store has what it holds */
	assert_int_equal(journal_count(p.journal), 2);
	apply(&p);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 2);
	journal_tend(p.journal);
	append(p.journal, 3, 4);
	assert_int_equal(rows_for_readers(p.dir), 3);
	free(path);
	pair_close(&p);
}

/* No room for the file: nothing is appended, but what a shorter file holds is replayed. */
static void test_no_room(void **state)
{
	static unsigned char image[JOURNAL_BYTES];
	struct rlimit before, small = {.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
	struct pair p = pair_open();

	(void)state;
	append(p.journal, 0, 2);
	read_journal(&p, image);
	write_journal(&p, image, 4096);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	revive(&p);
	stage(p.journal, 2);
	assert_int_equal(journal_commit(p.journal), ERR_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	apply(&p);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 2);
	journal_tend(p.journal);
	append(p.journal, 2, 3);
	assert_int_equal(rows_for_readers(p.dir), 3);
	pair_close(&p);
}

UNIT_MAIN(cmocka_unit_test(test_seen_at_once_and_kept),
    cmocka_unit_test(test_dropped_rows_stay_away), cmocka_unit_test(test_applied_twice),
    cmocka_unit_test(test_torn_anywhere), cmocka_unit_test(test_full),
    cmocka_unit_test(test_no_journal), cmocka_unit_test(test_removed),
    cmocka_unit_test(test_no_room))
