/* SPDX-License-Identifier: ISC */
/*
 * The store: five ordered tables and transactions over them, in LMDB (store.c is the only file that
 * includes <lmdb.h>). Nothing here knows what a message is.
 *
 * Threads: any; each transaction belongs to the thread that began it. One write transaction at a
 * time: others wait in txn_begin. A transaction carries a sticky error, after the manner of Knot's
 * knot_lmdb: after the first failure every call is a no-op that returns the same code, commit
 * aborts, and the caller checks once.
 */
#ifndef PQPURGE_INDEX_STORE_H
#define PQPURGE_INDEX_STORE_H

#include "base/bytes.h"
#include "base/err.h"

enum store_table {
	STORE_MESSAGE, /* sequence, u64 big-endian -> record */
	STORE_AUTHOR,  /* author key, NUL, sequence -> empty */
	STORE_INODE,   /* inode, sequence -> the rest of the packed ID: see entry.h */
	STORE_LEFT,    /* sequence of its own -> time it left, record */
	STORE_META,    /* name -> value */
	STORE_TABLE_COUNT,
	STORE_FREE = STORE_TABLE_COUNT, /* LMDB's list of free pages; for reading */
};

struct store_usage {
	uint64_t used_pages; /* sum over all tables (mdb_stat), never the last page number */
	uint64_t map_pages;
	uint64_t page_size;
	uint64_t file_bytes; /* st_blocks of the data file */
	uint64_t free_bytes; /* of its file system, for its owner */
	uint64_t rows[STORE_TABLE_COUNT + 1];
};

struct store;        /* one open store */
struct store_cursor; /* one position in one table */

struct txn {
	struct store *store;
	void *handle; /* LMDB's */
	int code;     /* sticky: 0 or the first failure */
	bool write;
	struct err err; /* words for code */
};

/*
 * Opens the store whose data file is path (its lock file is path-lock), made with 0600 where it is
 * missing. The caller sees to it that nobody else has it open, in this process or another. Errors:
 * ERR_DAMAGED, -EACCES, ERR_FULL and system errors.
 */
int store_open(const char *path, int64_t map_size, struct store **ret, struct err *err) NODISCARD;
/* NULL is fine. Never call it while a transaction is open. */
void store_close(struct store *store);

/* Begins; even on failure txn may be given to the calls below, which then do nothing. */
int txn_begin(struct store *store, bool write, struct txn *txn);
/* 0 or the sticky code; err gets its words. The transaction is over either way. */
int txn_commit(struct txn *txn, struct err *err) NODISCARD;
void txn_abort(struct txn *txn);
/* Of a reader: gives its snapshot up and takes the newest. Its cursors must be closed. */
int txn_renew(struct txn *txn);

/* Ends a transaction's usefulness: code becomes sticky unless one is there already, which is
 * returned. words may be NULL. */
int txn_fail(struct txn *txn, int code, const char *words);

/* Rows of one table: 0 or the sticky code. */
int txn_count(struct txn *txn, enum store_table table, uint64_t *ret);
/* Pages in use as this transaction sees them: 0 or the sticky code. */
int txn_usage(struct txn *txn, struct store_usage *ret);
/* Stores; append = the key is greater than all that are there (bulk speed). */
void txn_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append);
/* 1 and the value (valid until the next write or the end of the transaction), 0, or the sticky
 * code. */
int txn_get(struct txn *txn, enum store_table table, struct span key, struct span *ret);
/* 1 deleted, 0 was not there, or the sticky code. */
int txn_delete(struct txn *txn, enum store_table table, struct span key);

/* A cursor lives inside its transaction; close it before the end. NULL on failure (the sticky code
 * is set); calls take NULL. */
struct store_cursor *cursor_open(struct txn *txn, enum store_table table);
/* To the first key >= key, to the next, to the last: 1, 0 (none), or the sticky code. */
int cursor_seek(
    struct store_cursor *cursor, struct span key, struct span *ret_key, struct span *ret_value);
int cursor_next(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
int cursor_last(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
/* Deletes the row that it is on; cursor_next then gives the one behind that. 0 or the sticky code.
 */
int cursor_delete(struct store_cursor *cursor);
void cursor_close(struct store_cursor *cursor);

/*
 * Reads every page of every table (store_read.c). 0; ERR_DAMAGED where rows are out of order or not
 * as many as the table says; or the process dies of it.
 */
int store_read_all(struct store *store, struct err *err) NODISCARD;
/*
 * Whether the files on disk are still the opened ones, and usable: 0, or ERR_STALE (removed,
 * replaced, damaged, or LMDB wants it to be opened again).
 */
int store_check(struct store *store) NODISCARD;
/* Whether a call found it damaged, or txn_fail was told so. */
bool store_is_damaged(const struct store *store);

#endif
