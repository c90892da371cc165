/* SPDX-License-Identifier: ISC */
/* The journal: what was committed to it is in the index, now and after any death; what was not is
 * not. */
#include "tests/unit/index/journal_fixture.h"

#include <sys/resource.h>

static void drop(struct pair *p, unsigned number)
{
	struct queue_id id = fixture_id(number, INODE + number);
	uint64_t sequence;
	struct span record;
	struct txn txn;

	assert_int_equal(txn_begin(p->store, true, &txn), 0);
	assert_int_equal(entry_find(&txn, &id, &sequence, &record), 1);
	assert_int_equal(entry_drop(&txn, sequence, &id), 1);
	assert_int_equal(txn_commit(&txn, NULL), 0);
}

static bool has(struct store *store, unsigned number)
{
	struct queue_id id = fixture_id(number, INODE + number);
	uint64_t sequence;
	struct span record;
	struct txn txn;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	int found = entry_find(&txn, &id, &sequence, &record);
	txn_abort(&txn);
	assert_true(found >= 0);
	return found;
}

static void read_journal(const struct pair *p, unsigned char *image)
{
	char *path = journal_path(p);
	int fd = open(path, O_RDONLY);

	assert_int_equal(pread(fd, image, JOURNAL_BYTES, 0), JOURNAL_BYTES);
	close(fd);
	free(path);
}

static void write_journal(const struct pair *p, const unsigned char *image, size_t len)
{
	char *path = journal_path(p);
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(pwrite(fd, image, len, 0), (ssize_t)len);
	close(fd);
	free(path);
}

/* ---- */

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

/* The file cut short under the writer: readers would not find what is written behind a hole. */
static void test_cut_short(void **state)
{
	static const off_t sizes[] = {0, 100, (off_t)JOURNAL_BYTES - 1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct pair p = pair_open();
		char *path = journal_path(&p);

		append(p.journal, 0, 2);
		assert_int_equal(truncate(path, sizes[i]), 0);
		stage(p.journal, 2);
		assert_int_equal(journal_commit(p.journal), ERR_STALE);
		apply(&p);
		assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 2);
		journal_tend(p.journal);
		append(p.journal, 3, 4);
		assert_int_equal(rows_for_readers(p.dir), 3);
		free(path);
		pair_close(&p);
	}
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

static void new_store(struct pair *p)
{
	char *path = data_file_path(p->dir, DATA_FILE);

	store_close(p->store);
	assert_int_equal(unlink(path), 0);
	free(path);
	p->store = fixture_store(p->dir, MAP_SIZE);
}

/* A new store beside an old journal, and a lost journal beside an old store. */
static void test_one_without_the_other(void **state)
{
	struct pair p = pair_open();
	char *path;

	(void)state;
	append(p.journal, 0, 5);
	apply(&p);
	new_store(&p);
	assert_int_equal(rows_for_readers(p.dir), 0);
	revive(&p);
	assert_int_equal(journal_count(p.journal), 0);
	append(p.journal, 5, 8);
	assert_int_equal(rows_for_readers(p.dir), 3);
	revive(&p);
	apply(&p);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 3);

	path = journal_path(&p);
	assert_int_equal(unlink(path), 0);
	free(path);
	revive(&p);
	apply(&p);
	append(p.journal, 8, 9);
	assert_int_equal(rows_for_readers(p.dir), 4);
	revive(&p);
	apply(&p);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 4);
	pair_close(&p);
}

/*
 * A stranger's text in an old record is a frame itself, and lies just behind the run that was
 * written over that record's beginning.
 */
static void test_forged_frame(void **state)
{
	static const unsigned char filler[200];
	struct pair p = pair_open();
	struct bytes forged = {0}, old = {0}, record = {0};
	struct message m =
	    fixture_message(&(struct mail){.usec = 9, .inode = INODE + 9, .time = 1009});

	(void)state;
	record_encode(&m, &record);
	bytes_put_u64(&forged, 3);
	bytes_put_blob(&forged, record.at, record.len);
	bytes_put(&old, filler, sizeof(filler));
	bytes_put_u64(&old, bytes_hash(forged.at, forged.len));
	bytes_put(&old, forged.at, forged.len);
	journal_stage(p.journal, bytes_span(&old));
	assert_int_equal(journal_commit(p.journal), 0);
	apply(&p);
	journal_stage(p.journal, (struct span){filler, sizeof(filler)});
	assert_int_equal(journal_commit(p.journal), 0);
	assert_int_equal(rows_for_readers(p.dir), 0);
	revive(&p);
	assert_int_equal(journal_count(p.journal), 1);
	bytes_release(&record);
	bytes_release(&forged);
	bytes_release(&old);
	pair_close(&p);
}

static void test_what_is_no_record(void **state)
{
	struct pair p = pair_open();

	(void)state;
	stage(p.journal, 0);
	journal_stage(p.journal, span_text("no record at all"));
	stage(p.journal, 1);
	assert_int_equal(journal_commit(p.journal), 0);
	assert_int_equal(rows_for_readers(p.dir), 2);
	apply(&p);
	assert_int_equal(fixture_rows(p.store, STORE_MESSAGE), 2);
	pair_close(&p);
}

static void test_unreadable(void **state)
{
	struct pair p = pair_open();
	char *path = journal_path(&p);
	struct journal *j = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(journal_open(p.dir, true, &j, &err), -EINVAL);
	assert_null(j);
	assert_non_null(strstr(err.text, path));
	free(path);
	pair_close(&p);
}

UNIT_MAIN(cmocka_unit_test(test_seen_at_once_and_kept),
    cmocka_unit_test(test_dropped_rows_stay_away), cmocka_unit_test(test_applied_twice),
    cmocka_unit_test(test_torn_anywhere), cmocka_unit_test(test_full),
    cmocka_unit_test(test_no_journal), cmocka_unit_test(test_removed),
    cmocka_unit_test(test_cut_short), cmocka_unit_test(test_no_room),
    cmocka_unit_test(test_one_without_the_other), cmocka_unit_test(test_forged_frame),
    cmocka_unit_test(test_what_is_no_record), cmocka_unit_test(test_unreadable))
