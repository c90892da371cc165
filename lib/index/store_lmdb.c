/* SPDX-License-Identifier: ISC */
/*
 * The real store: LMDB (Debian 12 has 0.9.24). The only file that includes <lmdb.h>.
 *
 * Plain tables: MDB_DUPSORT and MDB_CURRENT have open faults in 0.9.24, and with MDB_WRITEMAP a
 * full disk is SIGBUS. A commit is durable, data first. The map is set once and never resized.
 */
#include <errno.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "index/data_file.h"
#include "index/store.h"
#include "index/store_report.h"

#define READERS    512 /* the same in both programs: the first to open decides */
#define META_PAGES 2

static const char *const table_names[STORE_TABLE_COUNT] = {
    "message", "author", "inode", "rule", "coverage", "batch", "meta"};

struct lmdb_store {
	struct store base;
	MDB_env *env;
	MDB_dbi tables[STORE_TABLE_COUNT];
	bool there[STORE_TABLE_COUNT]; /* before the first commit, a reader finds none */
	bool read_only;
	int fd; /* LMDB's own, of the data file */
	char *directory;
};
struct lmdb_cursor {
	struct store_cursor base;
	MDB_cursor *handle; /* NULL: the table is missing */
};

static struct lmdb_store *lmdb_of(struct store *store)
{
	return (struct lmdb_store *)store;
}

static MDB_val val_of(struct span span)
{
	return (MDB_val){.mv_size = span.len, .mv_data = (void *)(uintptr_t)span.at};
}

static struct span span_of(const MDB_val *val)
{
	return (struct span){.at = val->mv_data, .len = val->mv_size};
}

/* ---- errors: LMDB's codes into ours, in this one place */

static int code_of(const struct lmdb_store *s, int rc)
{
	switch (rc) {
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case EIO:
		/* a short write on a full disk (mdb.c, mdb_page_flush): ask the file system */
		return s->fd >= 0 && data_file_disk_full(s->fd) ? ERR_FULL : -EIO;
	case MDB_PANIC:       /* a meta page could not be written: only reopening helps */
	case MDB_MAP_RESIZED: /* another program uses a larger map */
	case MDB_BAD_RSLOT:
		return ERR_STALE;
	case ENOENT:
		return s->read_only ? ERR_NO_INDEX : -ENOENT;
	case MDB_VERSION_MISMATCH:
		return ERR_VERSION;
	case MDB_READERS_FULL:
	case MDB_TXN_FULL:
		return ERR_LIMIT;
	case MDB_NOTFOUND: /* a table: the first commit makes them all */
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL:
		return ERR_DAMAGED;
	default:
		return rc > 0 ? -rc : -EINVAL;
	}
}

/* what is "to write to", "to open" and so on. */
static int fail(const struct lmdb_store *s, int rc, const char *what, struct err *err)
{
	struct store_failure failure = {code_of(s, rc), what, s->directory, mdb_strerror(rc), 0};
	MDB_envinfo info;

	if (rc == MDB_MAP_FULL && mdb_env_info(s->env, &info) == 0)
		failure.full_map = info.me_mapsize;
	return store_failure_words(&failure, err);
}

/* A killed reader leaves its slot taken until somebody checks. */
static int begin_txn(struct lmdb_store *s, bool write, MDB_txn **ret)
{
	unsigned flags = write ? 0 : MDB_RDONLY;
	int rc = mdb_txn_begin(s->env, NULL, flags, ret), dead;

	if (rc == MDB_READERS_FULL && mdb_reader_check(s->env, &dead) == 0)
		rc = mdb_txn_begin(s->env, NULL, flags, ret);
	return rc;
}

static int lmdb_begin(struct store *store, struct txn *txn)
{
	struct lmdb_store *s = lmdb_of(store);
	MDB_txn *handle;
	int rc = begin_txn(s, txn->write, &handle);

	/* LMDB 0.9.25 to 0.9.31: who closes may destroy the mutex. Opening again helps. */
	if (rc == EINVAL && txn->write)
		rc = MDB_PANIC;
	if (rc != 0)
		return fail(s, rc, txn->write ? "to write to" : "to read", &txn->err);
	txn->handle = handle;
	return 0;
}

static int lmdb_commit(struct txn *txn)
{
	int rc = mdb_txn_commit(txn->handle);

	return rc == 0 ? 0 : fail(lmdb_of(txn->store), rc, "to commit to", &txn->err);
}

static void lmdb_abort(struct txn *txn)
{
	mdb_txn_abort(txn->handle);
}

static int lmdb_put(
    struct txn *txn, enum store_table table, struct span key, struct span value, bool append)
{
	struct lmdb_store *s = lmdb_of(txn->store);
	MDB_val k = val_of(key), v = val_of(value);
	int rc = mdb_put(txn->handle, s->tables[table], &k, &v, append ? MDB_APPEND : 0);

	return rc == 0 ? 0 : fail(s, rc, "to write to", &txn->err);
}

static int lmdb_get(struct txn *txn, enum store_table table, struct span key, struct span *ret)
{
	struct lmdb_store *s = lmdb_of(txn->store);
	MDB_val k = val_of(key), v;
	int rc;

	if (!s->there[table])
		return 0;
	rc = mdb_get(txn->handle, s->tables[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return fail(s, rc, "to read", &txn->err);
	*ret = span_of(&v);
	return 1;
}

static int lmdb_delete(struct txn *txn, enum store_table table, struct span key)
{
	struct lmdb_store *s = lmdb_of(txn->store);
	MDB_val k = val_of(key);
	int rc = mdb_del(txn->handle, s->tables[table], &k, NULL);

	if (rc == MDB_NOTFOUND)
		return 0;
	return rc == 0 ? 1 : fail(s, rc, "to write to", &txn->err);
}

static int lmdb_count(struct txn *txn, enum store_table table, uint64_t *ret)
{
	struct lmdb_store *s = lmdb_of(txn->store);
	MDB_stat stat = {0};
	int rc = s->there[table] ? mdb_stat(txn->handle, s->tables[table], &stat) : 0;

	if (rc != 0)
		return fail(s, rc, "to read", &txn->err);
	*ret = stat.ms_entries;
	return 0;
}

static struct store_cursor *lmdb_cursor_open(struct txn *txn, enum store_table table, int *ret_code)
{
	struct lmdb_store *s = lmdb_of(txn->store);
	struct lmdb_cursor *cursor = calloc(1, sizeof *cursor);
	int rc = 0;

	if (!cursor) {
		*ret_code = -ENOMEM;
		return NULL;
	}
	cursor->base.txn = txn;
	if (s->there[table])
		rc = mdb_cursor_open(txn->handle, s->tables[table], &cursor->handle);
	if (rc != 0) {
		*ret_code = fail(s, rc, "to read", &txn->err);
		free(cursor);
		return NULL;
	}
	return &cursor->base;
}

static int lmdb_cursor_move(
    struct store_cursor *base, int how, struct span *key, struct span *value)
{
	/* in the order of CURSOR_SEEK and so on */
	static const MDB_cursor_op ops[] = {MDB_SET_RANGE, MDB_NEXT, MDB_LAST, MDB_PREV};
	struct lmdb_cursor *cursor = (struct lmdb_cursor *)base;
	MDB_val k = {0}, v;
	int rc;

	if (!cursor->handle)
		return 0;
	if (how == CURSOR_SEEK)
		k = val_of(*key);
	/* LMDB refuses an empty key; to us it is the one before all others. */
	rc = mdb_cursor_get(
	    cursor->handle, &k, &v, how == CURSOR_SEEK && k.mv_size == 0 ? MDB_FIRST : ops[how]);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return fail(lmdb_of(base->txn->store), rc, "to read", &base->txn->err);
	*key = span_of(&k);
	*value = span_of(&v);
	return 1;
}

static void lmdb_cursor_close(struct store_cursor *base)
{
	struct lmdb_cursor *cursor = (struct lmdb_cursor *)base;

	if (cursor->handle)
		mdb_cursor_close(cursor->handle);
	free(cursor);
}

static int note_reader(const char *line, void *arg)
{
	store_reader_line(line, arg);
	return 0;
}

/* Looks twice: the slot of a killed reader is no reader. */
static void find_behind(struct lmdb_store *s, uint64_t last_txnid, struct store_usage *ret)
{
	struct store_reader oldest = {0};
	int dead;

	for (int look = 0; look < 2; look++) {
		oldest = (struct store_reader){0};
		(void)mdb_reader_list(s->env, note_reader, &oldest);
		if (!store_reader_is_behind(&oldest, last_txnid))
			return;
		(void)mdb_reader_check(s->env, &dead);
	}
	ret->oldest_reader = oldest.pid;
	ret->reader_lag = last_txnid - oldest.txnid;
}

static uint64_t pages_of(const MDB_stat *stat)
{
	return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* Pages in use by the tables, by LMDB's own two (free list, names) and by its meta pages. */
static int count_pages(struct lmdb_store *s, MDB_txn *txn, struct store_usage *ret)
{
	MDB_stat stat;
	int rc = mdb_stat(txn, 0, &stat); /* the free list is always handle 0 */

	if (rc != 0)
		return rc;
	ret->used_pages = META_PAGES + pages_of(&stat);
	(void)mdb_env_stat(s->env, &stat);
	ret->used_pages += pages_of(&stat);
	ret->page_size = stat.ms_psize;
	for (int i = 0; rc == 0 && i < STORE_TABLE_COUNT; i++) {
		if (!s->there[i])
			continue;
		rc = mdb_stat(txn, s->tables[i], &stat);
		ret->pages[i] = pages_of(&stat);
		ret->used_pages += ret->pages[i];
		ret->rows[i] = stat.ms_entries;
	}
	return rc;
}

/* The writer counts in a write transaction, which it then drops: it never takes a reader's slot. */
static int lmdb_usage(struct store *store, struct store_usage *ret, struct err *err)
{
	struct lmdb_store *s = lmdb_of(store);
	struct store_usage usage = {0};
	MDB_envinfo info;
	MDB_txn *txn;
	struct stat st;
	int rc = begin_txn(s, !s->read_only, &txn);

	if (rc != 0)
		return fail(s, rc, "to read", err);
	rc = count_pages(s, txn, &usage);
	mdb_txn_abort(txn);
	if (rc == 0)
		rc = mdb_env_info(s->env, &info);
	if (rc != 0)
		return fail(s, rc, "to read", err);
	usage.map_pages = info.me_mapsize / usage.page_size;
	if (fstat(s->fd, &st) == 0)
		usage.file_bytes = (uint64_t)st.st_blocks * 512;
	find_behind(s, info.me_last_txnid, &usage);
	*ret = usage;
	return 0;
}

static int lmdb_preallocate(struct store *store, uint64_t bytes)
{
	MDB_envinfo info;

	if (mdb_env_info(lmdb_of(store)->env, &info) != 0)
		return -EINVAL;
	return data_file_preallocate(lmdb_of(store)->fd, bytes, info.me_mapsize);
}

static int lmdb_check(struct store *store)
{
	return data_file_check(lmdb_of(store)->fd, lmdb_of(store)->directory, DATA_FILE);
}

/* ---- open and close */

static void lmdb_close(struct store *store)
{
	struct lmdb_store *s = lmdb_of(store);

	if (s->env)
		mdb_env_close(s->env);
	free(s->directory);
	free(s);
}

static const struct store_driver lmdb_driver = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .put = lmdb_put,
    .get = lmdb_get,
    .del = lmdb_delete,
    .count = lmdb_count,
    .cursor_open = lmdb_cursor_open,
    .cursor_move = lmdb_cursor_move,
    .cursor_close = lmdb_cursor_close,
    .usage = lmdb_usage,
    .preallocate = lmdb_preallocate,
    .check = lmdb_check,
};

static int open_tables(struct lmdb_store *s)
{
	unsigned flags = s->read_only ? 0 : MDB_CREATE;
	MDB_txn *txn;
	int rc = begin_txn(s, !s->read_only, &txn);

	if (rc != 0)
		return rc;
	for (int i = 0; i < STORE_TABLE_COUNT; i++) {
		rc = mdb_dbi_open(txn, table_names[i], flags, &s->tables[i]);
		s->there[i] = rc == 0;
		if (rc != 0 && !(rc == MDB_NOTFOUND && s->read_only && mdb_txn_id(txn) == 0)) {
			mdb_txn_abort(txn);
			return rc;
		}
	}
	return mdb_txn_commit(txn);
}

/* LMDB aborts the process next. */
static void on_assert(MDB_env *env, const char *what)
{
	(void)what; /* LMDB writes it to stderr */
	data_file_mark(((const struct lmdb_store *)mdb_env_get_userctx(env))->directory);
}

static int open_environment(struct lmdb_store *s, const struct store_config *config)
{
	MDB_envinfo info;
	int rc = mdb_env_create(&s->env), dead;

	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STORE_TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, READERS);
	if (rc == 0 && !s->read_only)
		rc = mdb_env_set_userctx(s->env, s) | mdb_env_set_assert(s->env, on_assert);
	if (rc == 0 && config->map_size > 0)
		rc = mdb_env_set_mapsize(s->env, (size_t)config->map_size);
	if (rc == 0)
		rc = mdb_env_open(
		    s->env, s->directory, MDB_NOTLS | (s->read_only ? MDB_RDONLY : 0), 0600);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &s->fd);
	if (rc != 0)
		return rc;
	io_set_cloexec(s->fd);
	(void)mdb_reader_check(s->env, &dead);
	rc = mdb_env_info(s->env, &info);
	if (rc == 0 && !s->read_only)
		rc = data_file_reach(s->fd, info.me_last_pgno, info.me_mapsize);
	return rc == 0 ? open_tables(s) : rc;
}

int store_open_lmdb(const struct store_config *config, struct store **ret, struct err *err)
{
	struct lmdb_store *s;
	int rc;

	if (config->map_size > 0 && (uint64_t)config->map_size > SIZE_MAX)
		return err_set(err, ERR_LIMIT, "index_map_size is too large for this machine");
	s = calloc(1, sizeof *s);
	if (!s)
		return err_sys(err, ENOMEM, "failed to open index '%s'", config->directory);
	s->base.driver = &lmdb_driver;
	s->read_only = config->read_only;
	s->fd = -1;
	s->directory = strdup(config->directory);
	/* LMDB would try to initialise an empty file even for a reader. */
	if (!s->directory)
		rc = ENOMEM;
	else if (s->read_only && !data_file_exists(s->directory))
		rc = ENOENT;
	else
		rc = open_environment(s, config);
	if (rc != 0) {
		rc = fail(s, rc, "to open", err);
		lmdb_close(&s->base);
		return rc;
	}
	*ret = &s->base;
	return 0;
}
