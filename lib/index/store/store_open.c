/* SPDX-License-Identifier: ISC */
#include "index/store/data_file.h"
#include "index/store/store_private.h"

#define READERS 254 /* transactions at once */

static const char *const table_names[STORE_TABLE_COUNT] = {
    "message", "author", "inode", "left", "meta"};

static size_t last_commit(const struct store *s)
{
	MDB_envinfo info = {0};

	return mdb_env_info(s->env, &info) == 0 ? info.me_last_txnid : 0;
}

bool store_is_changed(const struct store *store)
{
	return store->touched || last_commit(store) != store->opened;
}

bool store_is_damaged(const struct store *store)
{
	return store->damaged;
}

int store_check(struct store *store)
{
	if (store->damaged || store->stale || !data_file_is(store->path, store->fd))
		return ERR_STALE;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->env)
		mdb_env_close(store->env);
	free(store->path);
	free(store);
}

static int open_tables(struct store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc != 0)
		return rc;
	for (int i = 0; i < STORE_TABLE_COUNT; i++) {
		rc = mdb_dbi_open(txn, table_names[i],
		    MDB_CREATE | (store_is_numbered((enum store_table)i) ? MDB_INTEGERKEY : 0),
		    &s->tables[i]);
		if (rc != 0) {
			mdb_txn_abort(txn);
			return rc;
		}
	}
	return mdb_txn_commit(txn);
}

/* Lengthens the file to its last page, because reading past the end is a SIGBUS. It is shorter if
 * it was truncated, or if the last pages were allocated and not used. */
static int reach_last_page(struct store *s)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	uint64_t size;
	int rc = mdb_env_info(s->env, &info);

	rc = rc ?: mdb_env_stat(s->env, &stat);
	if (rc != 0)
		return rc;
	size = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	if (size > info.me_mapsize)
		return MDB_CORRUPTED;
	if (fstat(s->fd, &st) != 0)
		return errno;
	if ((uint64_t)st.st_size >= size)
		return 0;
	s->touched = true;
	return ftruncate(s->fd, (off_t)size) == 0 ? 0 : errno;
}

/* After this call LMDB aborts the process; the next opener begins anew. */
static void on_assert(MDB_env *env, const char *what)
{
	const struct store *s = mdb_env_get_userctx(env);

	(void)what; /* LMDB writes it to stderr */
	(void)!data_file_set_aside(s->path);
}

static int open_environment(struct store *s, int64_t map_size)
{
	int rc = mdb_env_create(&s->env);

	rc = rc ?: mdb_env_set_maxdbs(s->env, STORE_TABLE_COUNT);
	rc = rc ?: mdb_env_set_maxreaders(s->env, READERS);
	rc = rc ?: mdb_env_set_userctx(s->env, s) | mdb_env_set_assert(s->env, on_assert);
	rc = rc ?: mdb_env_set_mapsize(s->env, (size_t)map_size);
	rc = rc ?: -data_file_reserve_lock(s->path);
	rc = rc ?: mdb_env_open(s->env, s->path, MDB_NOSYNC | MDB_NOSUBDIR | MDB_NOTLS, 0600);
	rc = rc ?: mdb_env_get_fd(s->env, &s->fd);
	if (rc != 0)
		return rc;
	(void)fcntl(s->fd, F_SETFD, FD_CLOEXEC);
	s->opened = last_commit(s);
	rc = reach_last_page(s);
	return rc == 0 ? open_tables(s) : rc;
}

int store_open(const char *path, int64_t map_size, struct store **ret, struct err *err)
{
	struct store *s = calloc(1, sizeof *s);
	int rc;

	if (s)
		s->path = strdup(path);
	if (!s || !s->path) {
		free(s);
		return err_sys(err, ENOMEM, "failed to open index '%s'", path);
	}
	s->fd = -1;
	rc = open_environment(s, map_size);
	if (rc == 0) {
		*ret = s;
		return 0;
	}
	rc = store_fail(s, rc, "to open", err);
	store_close(s);
	return rc;
}
