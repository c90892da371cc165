/* SPDX-License-Identifier: ISC */
/* The store: five ordered tables in LMDB, and transactions over them. It knows nothing of messages.
 *
 * Any thread may use it; a transaction belongs to the thread that began it. Only one transaction
 * writes at a time; others wait in txn_begin.
 *
 * A transaction's error is sticky, as in Knot's knot_lmdb: after the first failure every call does
 * nothing and returns the same code, and commit aborts. So the caller checks only once. */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#define STORE_VERSION 1 /* of the tables */

enum store_table {
	STORE_MESSAGE, /* sequence -> record */
	STORE_AUTHOR,  /* author key, NUL, sequence -> empty */
	STORE_INODE,   /* inode, sequence -> the rest of the packed ID; see entry.h */
	STORE_LEFT,    /* its own sequence -> time when the message left, record */
	STORE_META,    /* name -> value */
	STORE_TABLE_COUNT,
	STORE_FREE = STORE_TABLE_COUNT, /* LMDB's list of free pages; read only */
};

/* Whether the keys are numbers: u64 of this machine, sorted as such, and all of 8 bytes. */
static inline bool store_is_numbered(enum store_table table)
{
	return table == STORE_MESSAGE || table == STORE_LEFT || table == STORE_FREE;
}

struct store_usage {
	uint64_t used_pages; /* of all tables (mdb_stat), not the last page number */
	uint64_t map_pages;
	uint64_t page_size;
	uint64_t file_bytes; /* st_blocks of the data file */
	uint64_t free_bytes; /* that the owner may still use on its file system */
	uint64_t rows[STORE_TABLE_COUNT + 1];
};

struct store;
struct store_cursor;

struct txn {
	struct store *store;
	void *handle; /* LMDB's transaction */
	int code;     /* sticky: 0 or the first failure */
	bool write;
	struct err err; /* words about code */
};

/* Called about changed messages, in the writing transaction and its thread. */
struct store_watch {
	void *arg;
	/* Either record may be empty. Both are valid during the call. */
	void (*changed)(void *arg, uint64_t sequence, struct span before, struct span after);
	/* The transaction is about to be committed or aborted. No other one writes meanwhile. */
	void (*commits)(void *arg);
	void (*aborts)(void *arg);
	/* A commit failed after `commits`. Others may be writing already. */
	void (*fails)(void *arg);
};

/* Opens the data file path and its lock file path-lock, creating them with mode 0600. The caller
 * makes sure that nobody else has them open. Returns 0, ERR_DAMAGED, ERR_FULL, -EACCES or another
 * -errno. */
int store_open(const char *path, int64_t map_size, struct store **ret, struct err *err) NODISCARD;
/* Whether that many bytes of address space can still be had. writes: of memory, too, where the
 * system does not overcommit it. */
bool store_can_map(size_t size, bool writes);
/* No transaction may be open. */
void store_close(struct store *store);

/* Takes effect with the next transaction. watch must outlive the store. */
void store_set_watch(struct store *store, const struct store_watch *watch);
/* Reports a changed message to the watch, if there is one. */
void txn_changed(struct txn *txn, uint64_t sequence, struct span before, struct span after);

/* Even after a failure calls on txn are allowed; they do nothing. */
int txn_begin(struct store *store, bool write, struct txn *txn);
/* Ends the transaction. Returns 0 or the sticky code, with its words. */
int txn_commit(struct txn *txn, struct err *err) NODISCARD;
void txn_abort(struct txn *txn);
/* Moves a reader to the newest snapshot. Close its cursors first. */
int txn_renew(struct txn *txn);

/* Makes code sticky, unless there is a sticky code; returns the sticky code. words may be NULL. */
int txn_fail(struct txn *txn, int code, const char *words);

/* Counts pages and rows as this transaction sees them. Returns 0 or the sticky code. */
int txn_usage(struct txn *txn, struct store_usage *ret);
/* append: faster, for a key greater than all others in the table. */
void txn_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append);
/* Returns 1 and the value, which is valid until the next write; 0 not found; or the sticky code. */
int txn_get(struct txn *txn, enum store_table table, struct span key, struct span *ret);
/* Returns 1 deleted, 0 not found, or the sticky code. */
int txn_delete(struct txn *txn, enum store_table table, struct span key);

/* Close a cursor before its transaction ends. NULL on failure; all cursor calls accept NULL. */
struct store_cursor *cursor_open(struct txn *txn, enum store_table table);
/* Move to the first key >= key, to the next, or to the last. Return 1, 0 none, or the sticky
 * code. */
int cursor_seek(
    struct store_cursor *cursor, struct span key, struct span *ret_key, struct span *ret_value);
int cursor_next(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
int cursor_last(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value);
/* cursor_next then moves to the row after the deleted one. */
int cursor_delete(struct store_cursor *cursor);
void cursor_close(struct store_cursor *cursor);
void cursor_release(struct store_cursor **cursor); /* for AUTO */

/* Reads every page (store_read.c). Returns 0, or ERR_DAMAGED if rows are out of order or
 * miscounted. Damaged pages may kill the process. */
int store_read_all(struct store *store, struct err *err) NODISCARD;
/* Returns 0, or ERR_STALE if the files were removed or replaced, or must be opened again. */
int store_check(struct store *store) NODISCARD;
/* Whether the file's bytes may differ from those before it was opened: a commit, also a failed one,
 * or a file that was lengthened. */
bool store_is_changed(const struct store *store);
/* Whether any call met ERR_DAMAGED. */
bool store_is_damaged(const struct store *store);
