/* SPDX-License-Identifier: ISC */
/* The index directory as its one writer has it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "index/coverage.h"
#include "index/data_file.h"
#include "index/data_pages.h"
#include "index/home.h"
#include "index/home_lock.h"

#define RUN_FILE     "run"
#define MAP_SIZE_MIN (INT64_C(16) << 20)
#define DIR_MODE     0750

/*
 * How long the pages of an index are looked at before it is opened: mail waits meanwhile. On two
 * slow processors that is enough for the default map, full, as long as it is in memory.
 */
#define CHECK_TIME (2 * USEC_PER_SEC)

/* ---- META */

static struct span name_of(const char *name)
{
	return (struct span){.at = name, .len = strlen(name)};
}

int home_check_schema(struct txn *txn, const char *directory, struct err *err)
{
	struct span stored;
	int found = txn_get(txn, STORE_META, name_of(HOME_META_SCHEMA), &stored);
	uint32_t schema;

	if (found < 0)
		return err_set(err, found, "%s", txn->err.text);
	if (found == 0)
		return 0;
	if (stored.len != 4)
		return err_set(
		    err, ERR_DAMAGED, "index '%s' is damaged (no schema number)", directory);
	schema = be32_load(stored.at);
	if (schema > HOME_SCHEMA)
		return err_set(err, ERR_VERSION,
		    "index '%s' was made by a newer version (schema %u; this one knows %u)",
		    directory, (unsigned)schema, (unsigned)HOME_SCHEMA);
	return 0;
}

int home_instance(struct txn *txn, struct span *ret)
{
	return txn_get(txn, STORE_META, name_of(HOME_META_INSTANCE), ret);
}

void home_set_instance(struct txn *txn, struct span instance)
{
	txn_put(txn, STORE_META, name_of(HOME_META_INSTANCE), instance, false);
}

static void put_schema(struct txn *txn)
{
	unsigned char buf[4];
	struct span stored;

	if (txn_get(txn, STORE_META, name_of(HOME_META_SCHEMA), &stored) != 0)
		return;
	be32_store(buf, HOME_SCHEMA);
	txn_put(txn, STORE_META, name_of(HOME_META_SCHEMA),
	    (struct span){.at = buf, .len = sizeof buf}, false);
}

/* ---- the run file: its time is the last sign of life */

int64_t home_last_sign(const char *directory)
{
	char *path = data_file_path(directory, RUN_FILE);
	struct stat st;
	int64_t sign = 0;

	if (path && lstat(path, &st) == 0)
		sign = (int64_t)st.st_mtim.tv_sec * USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
	free(path);
	return sign;
}

/* A new run file, with the time of this start in it. */
static void begin_run(const char *directory, int64_t now)
{
	const struct timespec at = {
	    .tv_sec = now / USEC_PER_SEC, .tv_nsec = now % USEC_PER_SEC * 1000};
	const struct timespec times[2] = {at, at};
	char *path = data_file_path(directory, RUN_FILE), text[CLOCK_TEXT_SIZE];
	int fd = -1;

	if (path)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd >= 0) {
		(void)clock_text(now, text, sizeof text);
		(void)!dprintf(fd, "%s\n", text);
		(void)futimens(fd, times);
		io_close(&fd);
	}
	free(path);
}

void home_touch(struct home *home, int64_t when)
{
	const struct timespec at = {
	    .tv_sec = when / USEC_PER_SEC, .tv_nsec = when % USEC_PER_SEC * 1000};
	const struct timespec times[2] = {at, at};
	char *path = data_file_path(home->directory, RUN_FILE);

	if (path && utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		begin_run(home->directory, when);
	free(path);
}

/* ---- opening */

/* A map of at most a tenth of the file system, so that the index never crowds out what it shares
 * the disk with. */
static int64_t bounded_map(const char *directory, int64_t map_size)
{
	struct statvfs fs;
	uint64_t tenth;

	if (map_size == 0 || statvfs(directory, &fs) != 0)
		return map_size;
	tenth = (uint64_t)fs.f_blocks * fs.f_frsize / 10;
	if (tenth < (uint64_t)MAP_SIZE_MIN)
		tenth = (uint64_t)MAP_SIZE_MIN;
	/* Some file systems count no blocks. */
	if (fs.f_blocks == 0 || tenth >= (uint64_t)map_size)
		return map_size;
	return (int64_t)(tenth - tenth % (UINT64_C(1) << 20));
}

static int first_write(struct home *home, int64_t sign, int64_t now, struct err *err)
{
	struct txn txn;
	int code;

	(void)txn_begin(home->store, true, &txn);
	code = txn.code == 0 ? home_check_schema(&txn, home->directory, err) : 0;
	if (code != 0) {
		txn_abort(&txn);
		return code;
	}
	put_schema(&txn);
	journal_replay(home->journal, &txn);
	if (home->recording)
		coverage_begin(&txn, sign, now);
	code = txn_commit(&txn, err);
	if (code == 0)
		journal_rewind(home->journal);
	return code;
}

/* LMDB dies of pages that do not hold together, at once or at some later write. */
static int check_pages(const char *directory, struct err *err)
{
	int code;

	if (data_file_is_marked(directory))
		return err_set(err, ERR_DAMAGED,
		    "index '%s' is damaged (its last writer died of it)", directory);
	code = data_pages_check(directory, clock_steady() + CHECK_TIME, err);
	return code == 1 ? 0 : code;
}

static int open_store(struct home *home, int64_t map_size, struct err *err)
{
	struct store_config config = {.directory = home->directory};
	int64_t sign = home_last_sign(home->directory), now = clock_wall();
	int code = check_pages(home->directory, err);

	config.map_size = bounded_map(home->directory, map_size);
	if (code == 0)
		code = store_open_lmdb(&config, &home->store, err);
	if (code == 0)
		code = journal_open(home->directory, home->recording, &home->journal, err);
	if (code != 0)
		return code;
	(void)store_preallocate(home->store, HOME_PREALLOCATE);
	code = first_write(home, sign, now, err);
	if (code == 0 && home->recording)
		begin_run(home->directory, now);
	return code;
}

int home_open(
    const char *directory, int64_t map_size, bool recording, struct home *ret, struct err *err)
{
	struct home home = {.lock = -1, .recording = recording};
	int code;

	if (map_size == 0 && !data_file_exists(directory))
		return err_set(err, ERR_NO_INDEX, "no index in '%s'", directory);
	if (map_size != 0 && mkdir(directory, DIR_MODE) != 0 && errno != EEXIST)
		return err_sys(err, errno, "failed to create index directory '%s'", directory);
	home.directory = strdup(directory);
	if (!home.directory)
		return err_sys(err, ENOMEM, "failed to open index '%s'", directory);
	code = home_lock(directory, &home.lock, err);
	if (code == 0)
		code = open_store(&home, map_size, err);
	if (code != 0) {
		home_abandon(&home);
		return code;
	}
	*ret = home;
	return 0;
}

/* ---- looking after it, closing */

int home_check(struct home *home)
{
	/* With another lock file there could be a second writer. */
	if (!home_lock_is_current(home->lock, home->directory))
		return ERR_STALE;
	return store_check(home->store);
}

void home_abandon(struct home *home)
{
	store_close(home->store);
	home->store = NULL;
	journal_close(home->journal);
	home->journal = NULL;
	io_close(&home->lock);
	free(home->directory);
	home->directory = NULL;
	home->recording = false;
}

void home_close(struct home *home)
{
	struct txn txn;

	if (home->store && home->recording) {
		(void)txn_begin(home->store, true, &txn);
		journal_replay(home->journal, &txn);
		coverage_end(&txn, clock_wall());
		/* Without its END row this stop is no orderly one: what was lost since the last
		 * sign of life is part of the gap that the next start finds. */
		if (txn_commit(&txn, NULL) == 0) {
			journal_rewind(home->journal);
			home_touch(home, clock_wall());
		}
	}
	home_abandon(home);
}

/* ---- setting aside */

/* Under a name with the time, and a number where that name is taken. */
static int move_aside(const char *directory, struct err *err)
{
	char *from = data_file_path(directory, DATA_FILE), *to = NULL;
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);
	int code = 0;

	if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm) == 0)
		(void)snprintf(stamp, sizeof stamp, "%lld", (long long)now);
	for (int i = 0; from && i < 100; i++) {
		free(to);
		if (asprintf(&to, i == 0 ? "%s.damaged-%s" : "%s.damaged-%s.%d", from, stamp, i) <
		    0)
			to = NULL;
		if (!to || access(to, F_OK) != 0)
			break;
	}
	if (!from || !to)
		code = err_sys(err, ENOMEM, "failed to set aside index '%s'", directory);
	else if (rename(from, to) != 0 && errno != ENOENT)
		code = err_sys(err, errno, "failed to rename '%s'", from);
	free(from);
	free(to);
	return code;
}

int home_set_aside(const char *directory, struct err *err)
{
	char *lmdb_lock;
	int lock = -1, code = home_lock(directory, &lock, err);

	if (code != 0)
		return code;
	code = move_aside(directory, err);
	/* LMDB's lock file holds nothing that lasts, and readers of the old file keep theirs open.
	 */
	lmdb_lock = code == 0 ? data_file_path(directory, LOCK_FILE) : NULL;
	if (lmdb_lock)
		(void)unlink(lmdb_lock);
	free(lmdb_lock);
	if (code == 0)
		data_file_unmark(directory);
	io_close(&lock);
	return code;
}
