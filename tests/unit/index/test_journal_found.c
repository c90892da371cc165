/* SPDX-License-Identifier: ISC */
/* The journal as it is found: beside another store, forged, unreadable, by a reader. */
#include "tests/unit/index/journal_pair.h"

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

/* A snapshot of the store that is older than the run is not the last word. */
static void test_reader_begins_anew(void **state)
{
	struct pair p = pair_open();
	struct txn txn;

	(void)state;
	append(p.journal, 0, 3);
	assert_int_equal(txn_begin(p.store, true, &txn), 0);
	/* Meanwhile, so it seems, the three were taken and two came after them. */
	journal_rewind(p.journal);
	append(p.journal, 3, 5);
	assert_int_equal(journal_overlay(&txn, false, p.dir), OVERLAY_AGAIN);
	assert_int_equal(journal_overlay(&txn, true, p.dir), 0);
	uint64_t rows;
	assert_int_equal(txn_count(&txn, STORE_MESSAGE, &rows), 0);
	assert_int_equal(rows, 2);
	txn_abort(&txn);
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

UNIT_MAIN(cmocka_unit_test(test_one_without_the_other), cmocka_unit_test(test_reader_begins_anew),
    cmocka_unit_test(test_forged_frame), cmocka_unit_test(test_what_is_no_record),
    cmocka_unit_test(test_unreadable))
