/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include "index/store/data_file.h"
#include "index/store/store_private.h"

#define META_PAGES 2
#define MAIN_TABLE 1                   /* mdb.c, MAIN_DBI */
#define NO_SPACE   (UINT64_C(1) << 20) /* with fewer bytes free, a failed write means a full disk */
#define MUCH       ((size_t)16 << 20)  /* bytes; LMDB asks for fewer, unless a page lies */

struct store_cursor {
	struct txn *txn;
	MDB_cursor *handle;
};

static MDB_val val_of(struct span span)
{
	return (MDB_val){.mv_size = span.len, .mv_data = (void *)(uintptr_t)span.at};
}

static struct span span_of(const MDB_val *val)
{
	return (struct span){.at = val->mv_data, .len = val->mv_size};
}

static int code_of(const struct store *s, int rc)
{
	switch (rc) {
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case EIO:
		/* On a full disk LMDB may see only a short write (mdb.c, mdb_page_flush). */
		return s->fd >= 0 && data_file_free(s->fd) < NO_SPACE ? ERR_FULL : -EIO;
	case MDB_PANIC: /* a meta page could not be written: only a new opening helps */
	case MDB_MAP_RESIZED:
	case MDB_BAD_RSLOT:
		return ERR_STALE;
	case MDB_NOTFOUND:         /* a table or the list of free pages is missing */
	case MDB_VERSION_MISMATCH: /* of LMDB's own file format */
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN: /* an earlier call failed without saying so */
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
	case MDB_KEYEXIST: /* the last row is not the one with the highest key (MDB_APPEND) */
		return ERR_DAMAGED;
	default:
		return rc > 0 ? -rc : -EINVAL;
	}
}

static int full_words(const struct store *s, int rc, struct err *err)
{
	MDB_envinfo info;

	if (rc == MDB_MAP_FULL && mdb_env_info(s->env, &info) == 0)
		return err_set(err, ERR_FULL, "the index is full (%zu MiB)", info.me_mapsize >> 20);
	return err_set(
	    err, ERR_FULL, "failed to write to index '%s' (no space left there)", s->path);
}

int store_fail(struct store *s, int rc, const char *what, struct err *err)
{
	int code = code_of(s, rc);

	if (code == ERR_DAMAGED)
		s->damaged = true;
	if (code == ERR_STALE)
		s->stale = true;
	if (code == ERR_FULL)
		return full_words(s, rc, err);
	if (code == ERR_DAMAGED)
		return err_set(err, code, "index '%s' is damaged (%s)", s->path, mdb_strerror(rc));
	return err_set(err, code, "failed %s index '%s' (%s)", what, s->path, mdb_strerror(rc));
}

int txn_fail(struct txn *txn, int code, const char *words)
{
	if (code == ERR_DAMAGED)
		txn->store->damaged = true;
	if (txn->code == 0) {
		txn->code = code;
		(void)err_set(&txn->err, code, "%s", words ? words : err_word(code));
	}
	return txn->code;
}

bool store_can_map(size_t size, bool writes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (writes ? 0 : MAP_NORESERVE);
	void *at = mmap(NULL, size, PROT_READ | (writes ? PROT_WRITE : 0), flags, -1, 0);

	return at != MAP_FAILED && munmap(at, size) == 0;
}

static int txn_fails(struct txn *txn, int rc, const char *what)
{
	if (rc == ENOMEM && store_can_map(MUCH, true))
		rc = MDB_CORRUPTED;
	if (txn->code == 0)
		txn->code = store_fail(txn->store, rc, what, &txn->err);
	return txn->code;
}

int txn_begin(struct store *store, bool write, struct txn *txn)
{
	MDB_txn *handle;
	int rc;

	*txn = (struct txn){.store = store, .write = write};
	rc = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &handle);
	if (rc != 0)
		return txn_fails(txn, rc, write ? "to write to" : "to read");
	txn->handle = handle;
	return 0;
}

void store_set_watch(struct store *store, const struct store_watch *watch)
{
	store->watch = watch;
}

static const struct store_watch *watch_of(const struct txn *txn)
{
	return txn->write && txn->handle ? txn->store->watch : NULL;
}

void txn_changed(struct txn *txn, uint64_t sequence, struct span before, struct span after)
{
	const struct store_watch *w = watch_of(txn);

	if (w && txn->code == 0)
		w->changed(w->arg, sequence, before, after);
}

int txn_commit(struct txn *txn, struct err *err)
{
	const struct store_watch *watch = watch_of(txn);
	int rc;

	if (txn->code != 0) {
		txn_abort(txn);
	} else {
		if (watch)
			watch->commits(watch->arg);
		rc = mdb_txn_commit(txn->handle);
		txn->handle = NULL;
		if (rc != 0)
			txn->store->touched = true;
		if (rc != 0)
			(void)txn_fails(txn, rc, "to commit to");
		if (rc != 0 && watch)
			watch->fails(watch->arg);
	}
	return txn->code == 0 ? 0 : err_set(err, txn->code, "%s", txn->err.text);
}

void txn_abort(struct txn *txn)
{
	const struct store_watch *watch = watch_of(txn);

	if (watch)
		watch->aborts(watch->arg);
	if (txn->handle)
		mdb_txn_abort(txn->handle);
	txn->handle = NULL;
}

int txn_renew(struct txn *txn)
{
	int rc;

	if (txn->code != 0)
		return txn->code;
	mdb_txn_reset(txn->handle);
	rc = mdb_txn_renew(txn->handle);
	return rc == 0 ? 0 : txn_fails(txn, rc, "to read");
}

void txn_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	MDB_val k = val_of(key), v = val_of(value);
	int rc;

	if (txn->code != 0)
		return;
	rc = mdb_put(txn->handle, txn->store->tables[table], &k, &v, append ? MDB_APPEND : 0);
	if (rc != 0)
		(void)txn_fails(txn, rc, "to write to");
}

int txn_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	MDB_val k = val_of(key), v;
	int rc;

	if (txn->code != 0)
		return txn->code;
	rc = mdb_get(txn->handle, txn->store->tables[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return txn_fails(txn, rc, "to read");
	*ret = span_of(&v);
	return 1;
}

int txn_delete(struct txn *txn, enum store_table table, struct span key)
{
	MDB_val k = val_of(key);
	int rc;

	if (txn->code != 0)
		return txn->code;
	rc = mdb_del(txn->handle, txn->store->tables[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return 0;
	return rc == 0 ? 1 : txn_fails(txn, rc, "to write to");
}

static int add_pages(struct txn *txn, MDB_dbi table, MDB_stat *ret, uint64_t *used)
{
	int rc = mdb_stat(txn->handle, table, ret);

	if (rc == 0)
		*used += ret->ms_branch_pages + ret->ms_leaf_pages + ret->ms_overflow_pages;
	return rc;
}

int txn_usage(struct txn *txn, struct store_usage *ret)
{
	struct store_usage usage = {.used_pages = META_PAGES};
	struct store *s = txn->store;
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int rc;

	if (txn->code != 0)
		return txn->code;
	rc = add_pages(txn, MAIN_TABLE, &stat, &usage.used_pages);
	for (int i = 0; rc == 0 && i <= STORE_TABLE_COUNT; i++) {
		rc = add_pages(txn, s->tables[i], &stat, &usage.used_pages);
		usage.rows[i] = stat.ms_entries;
	}
	rc = rc ?: mdb_env_info(s->env, &info);
	if (rc != 0)
		return txn_fails(txn, rc, "to read");
	usage.page_size = stat.ms_psize;
	usage.map_pages = info.me_mapsize / stat.ms_psize;
	if (fstat(s->fd, &st) == 0)
		usage.file_bytes = (uint64_t)st.st_blocks * 512;
	usage.free_bytes = data_file_free(s->fd);
	*ret = usage;
	return 0;
}

struct store_cursor *cursor_open(struct txn *txn, enum store_table table)
{
	struct store_cursor *cursor;
	int rc;

	if (txn->code != 0)
		return NULL;
	cursor = malloc(sizeof *cursor);
	if (!cursor) {
		(void)txn_fail(txn, -ENOMEM, NULL);
		return NULL;
	}
	cursor->txn = txn;
	rc = mdb_cursor_open(txn->handle, txn->store->tables[table], &cursor->handle);
	if (rc != 0) {
		(void)txn_fails(txn, rc, "to read");
		free(cursor);
		return NULL;
	}
	return cursor;
}

static int move(struct store_cursor *cursor, MDB_cursor_op op, struct span from,
    struct span *ret_key, struct span *ret_value)
{
	MDB_val k = val_of(from), v;
	int rc;

	if (!cursor || cursor->txn->code != 0)
		return cursor ? cursor->txn->code : 0;
	rc = mdb_cursor_get(cursor->handle, &k, &v, op);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return txn_fails(cursor->txn, rc, "to read");
	*ret_key = span_of(&k);
	*ret_value = span_of(&v);
	return 1;
}

/* LMDB refuses an empty key. */
int cursor_seek(
    struct store_cursor *cursor, struct span key, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, key.len == 0 ? MDB_FIRST : MDB_SET_RANGE, key, ret_key, ret_value);
}

int cursor_next(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, MDB_NEXT, (struct span){0}, ret_key, ret_value);
}

int cursor_last(struct store_cursor *cursor, struct span *ret_key, struct span *ret_value)
{
	return move(cursor, MDB_LAST, (struct span){0}, ret_key, ret_value);
}

int cursor_delete(struct store_cursor *cursor)
{
	int rc;

	if (!cursor || cursor->txn->code != 0)
		return cursor ? cursor->txn->code : 0;
	rc = mdb_cursor_del(cursor->handle, 0);
	return rc == 0 ? 0 : txn_fails(cursor->txn, rc, "to write to");
}

void cursor_close(struct store_cursor *cursor)
{
	if (cursor)
		mdb_cursor_close(cursor->handle);
	free(cursor);
}

void cursor_release(struct store_cursor **cursor)
{
	cursor_close(*cursor);
}
