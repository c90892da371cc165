/* SPDX-License-Identifier: ISC */
/* What the journal's tests share: an index directory with both of its writer's parts, and how a
 * reader sees it. */
#ifndef PQPURGE_TESTS_INDEX_JOURNAL_FIXTURE_H
#define PQPURGE_TESTS_INDEX_JOURNAL_FIXTURE_H

#include "tests/unit/index/fixture.h"

#include "index/data_file.h"
#include "index/journal.h"
#include "index/store_overlay.h"

#define INODE 0x1000

/* One index directory with its writer's two parts, as home.c has them. */
struct pair {
	char *dir;
	struct store *store;
	struct journal *journal;
};

static inline struct journal *open_journal(const char *dir)
{
	struct journal *j = NULL;
	struct err err = {0};

	if (journal_open(dir, true, &j, &err) != 0)
		case_fail("journal_open", "%s", err.text);
	return j;
}

static inline struct pair pair_open(void)
{
	struct pair p = {.dir = fixture_dir()};

	p.store = fixture_store(p.dir, MAP_SIZE);
	p.journal = open_journal(p.dir);
	return p;
}

static inline void pair_close(struct pair *p)
{
	journal_close(p->journal);
	store_close(p->store);
	fixture_remove(p->dir);
}

/* As after a kill: memory is gone, the file is not. */
static inline void revive(struct pair *p)
{
	journal_close(p->journal);
	p->journal = open_journal(p->dir);
}

static inline void stage(struct journal *j, unsigned number)
{
	struct message m = fixture_message(
	    &(struct mail){.usec = number, .inode = INODE + number, .time = 1000 + number});
	struct bytes record = {0};

	record_encode(&m, &record);
	assert_false(record.failed);
	journal_stage(j, bytes_span(&record));
	bytes_release(&record);
}

static inline void append(struct journal *j, unsigned from, unsigned to)
{
	for (unsigned n = from; n < to; n++)
		stage(j, n);
	assert_int_equal(journal_commit(j), 0);
}

/* Into the store, as the writer does each second. */
static inline void apply(struct pair *p)
{
	struct txn txn;

	assert_int_equal(txn_begin(p->store, true, &txn), 0);
	journal_replay(p->journal, &txn);
	assert_int_equal(txn_commit(&txn, NULL), 0);
	journal_rewind(p->journal);
}

/* Rows as a reader sees them in one transaction. */
static inline uint64_t rows_over(const char *dir, struct overlay_source source)
{
	struct store_config config = {.directory = dir, .read_only = true};
	struct store *store = NULL;
	uint64_t rows, inodes;
	struct txn txn;

	assert_int_equal(store_open_lmdb(&config, &store, NULL), 0);
	store = store_open_overlay(store, &source);
	assert_non_null(store);
	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(txn_count(&txn, STORE_MESSAGE, &rows), 0);
	assert_int_equal(txn_count(&txn, STORE_INODE, &inodes), 0);
	assert_int_equal(rows, inodes);
	txn_abort(&txn);
	store_close(store);
	return rows;
}

static inline uint64_t rows_for_readers(const char *dir)
{
	return rows_over(dir, journal_overlay(dir));
}

static inline char *journal_path(const struct pair *p)
{
	return data_file_path(p->dir, JOURNAL_FILE);
}

#endif
