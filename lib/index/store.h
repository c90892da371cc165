/* SPDX-License-Identifier: ISC */
/*
 * The store: seven ordered tables and transactions over them, behind a driver. LMDB is the real one
 * (store_lmdb.c, the only file that includes <lmdb.h>); store_overlay.h lays changes in memory over
 * another; store_double.h has a failing and a blocking one for tests. Nothing here knows what a
 * message is.
 *
 * One thread owns a store; read transactions may be begun by several at once, each used by its own
 * thread alone. A transaction carries a sticky error, after the manner of Knot's
 * knot_lmdb: after the first failure every call is a no-op that returns the same code, commit
 * aborts, and the caller checks once.
 */
#ifndef PQPURGE_INDEX_STORE_H
#define PQPURGE_INDEX_STORE_H

#include "base/bytes.h"
#include "base/err.h"

enum store_table {
	STORE_MESSAGE,  /* sequence, u64 big-endian -> record */
	STORE_AUTHOR,   /* author key, NUL, sequence -> empty */
	STORE_INODE,    /* inode, u64 big-endian -> sequence, u64 big-endian */
	STORE_RULE,     /* rule subject -> rule */
	STORE_COVERAGE, /* time, u64 big-endian, kind -> row */
	STORE_BATCH,    /* batch, u64 big-endian, part, u32 big-endian -> account */
	STORE_META,     /* name -> value */
	STORE_TABLE_COUNT,
};

struct store_config {
	const char *directory;
	int64_t map_size; /* 0 = what the file was made with */
	bool read_only;   /* must run as the owner all the same: readers write LMDB's lock file */
};

struct store_usage {
	uint64_t used_pages; /* sum over all tables (mdb_stat), never the last page number */
	uint64_t map_pages;
	uint64_t page_size;
	uint64_t file_bytes; /* st_blocks of the data file */
	uint64_t rows[STORE_TABLE_COUNT], pages[STORE_TABLE_COUNT];
	pid_t oldest_reader; /* of those that read an older state than the last; 0 = none */
	uint64_t reader_lag; /* transactions it is behind */
};

struct store;        /* one open store */
struct store_cursor; /* one position in one table */

struct txn {
	struct store *store;
	void *handle; /* the driver's */
	int code;     /* sticky: 0 or the first failure */
	bool write;
	uint64_t next_sequence; /* index/entry.h's; 0 = not asked yet */
	struct err err;         /* words for code */
};

/*
 * Opens the LMDB store in directory; a writer creates its files (0600) where they are missing, a
 * reader gets ERR_NO_INDEX. Also ERR_VERSION, ERR_DAMAGED, -EACCES, ERR_FULL and system errors.
 */
int store_open_lmdb(
    const struct store_config *config, struct store **ret, struct err *err) NODISCARD;
/* NULL is fine. Never call it while a transaction is open. */
void store_close(struct store *store);

/* Begins; even on failure txn may be given to the calls below, which then do nothing. */
int txn_begin(struct store *store, bool write, struct txn *txn);
/* 0 or the sticky code; err gets its words. The transaction is over either way. */
int txn_commit(struct txn *txn, struct err *err) NODISCARD;
void txn_abort(struct txn *txn);

/*
 * Ends a transaction's usefulness from outside the driver: code becomes sticky unless one is there
 * already. Returns the sticky code.
 */
int txn_fail(struct txn *txn, int code, const char *words);

/* Rows of one table, at no cost: 0 or the sticky code. */
int txn_count(struct txn *txn, enum store_table table, uint64_t *ret);
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
void cursor_close(struct store_cursor *cursor);

int store_usage(struct store *store, struct store_usage *ret, struct err *err) NODISCARD;
/*
 * Keeps at least bytes of disk allocated past the data's end, so that commits succeed for a while
 * on a full disk. Best effort; returns 0 or -errno.
 */
int store_preallocate(struct store *store, uint64_t bytes);
/* Whether the files on disk are still the opened ones: 0, or ERR_STALE (directory removed,
 * replaced). */
int store_check(struct store *store) NODISCARD;

/* ---- for drivers */

/* Codes are returned; a driver that has words for one puts them into txn->err. */
struct store_driver {
	void (*close)(struct store *store);
	int (*begin)(struct store *store, struct txn *txn); /* sets txn->handle */
	int (*commit)(struct txn *txn);                     /* the handle is gone afterwards */
	void (*abort)(struct txn *txn);
	int (*put)(struct txn *txn, enum store_table table, struct span key, struct span value,
	    bool append);
	int (*get)(struct txn *txn, enum store_table table, struct span key, struct span *ret);
	int (*del)(struct txn *txn, enum store_table table, struct span key);
	int (*count)(struct txn *txn, enum store_table table, uint64_t *ret);
	struct store_cursor *(*cursor_open)(struct txn *txn, enum store_table table, int *ret_code);
	int (*cursor_move)(
	    struct store_cursor *cursor, int how, struct span *key, struct span *value);
	void (*cursor_close)(struct store_cursor *cursor);
	int (*usage)(struct store *store, struct store_usage *ret, struct err *err);
	int (*preallocate)(struct store *store, uint64_t bytes);
	int (*check)(struct store *store);
};
enum { CURSOR_SEEK, CURSOR_NEXT, CURSOR_LAST, CURSOR_PREV };
/* To the row before the one where the cursor is; what a driver over another driver needs. 1, 0
 * (none), or the sticky code, which is -ENOTSUP on an overlay. */
int cursor_prev(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
struct store {
	const struct store_driver *driver; /* first member of every driver's own struct */
};
struct store_cursor {
	struct txn *txn; /* likewise */
};

#endif
