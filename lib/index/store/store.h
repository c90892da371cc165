/* SPDX-License-Identifier: ISC */
/*
 * The store: five ordered tables and transactions over them, in LMDB. Knows nothing of messages.
 *
 * Any thread; a transaction belongs to the thread that began it. Only one writes at a time: others
 * wait in txn_begin. A transaction's error is sticky, as in Knot's knot_lmdb: after the first
 * failure every call is a no-op that returns the same code, and commit aborts; the caller checks
 * once.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum store_table {
	STORE_MESSAGE, /* sequence, u64 big-endian -> record */
	STORE_AUTHOR,  /* author key, NUL, sequence -> empty */
	STORE_INODE,   /* inode, sequence -> the rest of the packed ID: see entry.h */
	STORE_LEFT,    /* sequence of its own -> time it left, record */
	STORE_META,    /* name -> value */
	STORE_TABLE_COUNT,
	STORE_FREE = STORE_TABLE_COUNT, /* LMDB's list of free pages; read only */
};

struct store_usage {
	uint64_t used_pages; /* sum over all tables (mdb_stat), not the last page number */
	uint64_t map_pages;
	uint64_t page_size;
	uint64_t file_bytes; /* st_blocks of the data file */
	uint64_t free_bytes; /* of its file system, for its owner */
	uint64_t rows[STORE_TABLE_COUNT + 1];
};

struct store;
struct store_cursor;

struct txn {
	struct store *store;
	void *handle; /* LMDB's */
	int code;     /* sticky: 0 or the first failure */
	bool write;
	struct err err; /* words for code */
};

/* Hears of changed messages, in the writing transaction and its thread. */
struct store_watch {
	void *arg;
	/* Either record may be empty; both are valid during the call. */
	void (*changed)(void *arg, uint64_t sequence, struct span before, struct span after);
	/* The transaction is about to be committed, or aborted; no other writes meanwhile. */
	void (*commits)(void *arg);
	void (*aborts)(void *arg);
	/* A commit failed after all. Others may write already. */
	void (*fails)(void *arg);
};

/* Opens the data file path and its lock file path-lock, created with 0600. The caller makes sure
 * that nobody else has it open. ERR_DAMAGED, -EACCES, ERR_FULL or -errno. */
int store_open(const char *path, int64_t map_size, struct store **ret, struct err *err) NODISCARD;
/* NULL is fine. No transaction may be open. */
void store_close(struct store *store);

/* From the next transaction on; watch must outlive the store. */
void store_set_watch(struct store *store, const struct store_watch *watch);
/* Tells the watch, if there is one. */
void txn_changed(struct txn *txn, uint64_t sequence, struct span before, struct span after);

/* Even on failure txn may be used; calls then do nothing. */
int txn_begin(struct store *store, bool write, struct txn *txn);
/* Ends the transaction: 0 or the sticky code with its words. */
int txn_commit(struct txn *txn, struct err *err) NODISCARD;
void txn_abort(struct txn *txn);
/* For readers: takes the newest snapshot. Close cursors first. */
int txn_renew(struct txn *txn);

/* Makes code sticky unless another is; returns the sticky code. words may be NULL. */
int txn_fail(struct txn *txn, int code, const char *words);

/* Pages and rows as this transaction sees them: 0 or the sticky code. */
int txn_usage(struct txn *txn, struct store_usage *ret);
/* append: the key is greater than all others (fast). */
void txn_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append);
/* 1 and the value, valid until the next write; 0 not found; or the sticky code. */
int txn_get(struct txn *txn, enum store_table table, struct span key, struct span *ret);
/* 1 deleted, 0 not found, or the sticky code. */
int txn_delete(struct txn *txn, enum store_table table, struct span key);

/* Close a cursor before its transaction ends. NULL on failure, which every call takes. */
struct store_cursor *cursor_open(struct txn *txn, enum store_table table);
/* To the first key >= key, the next, the last: 1, 0 none, or the sticky code. */
int cursor_seek(
    struct store_cursor *cursor, struct span key, struct span *ret_key, struct span *ret_value);
int cursor_next(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
int cursor_last(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
/* Deletes the current row; cursor_next then gives the one behind it. */
int cursor_delete(struct store_cursor *cursor);
void cursor_close(struct store_cursor *cursor);

/* Reads every page (store_read.c): 0, ERR_DAMAGED if rows are out of order or miscounted; or the
 * process dies. */
int store_read_all(struct store *store, struct err *err) NODISCARD;
/* 0, or ERR_STALE if the files were removed or replaced, or must be opened again. */
int store_check(struct store *store) NODISCARD;
/* Whether any call met ERR_DAMAGED. */
bool store_is_damaged(const struct store *store);
