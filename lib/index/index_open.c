/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/io.h"
#include "index/index_private.h"
#include "index/rows/check.h"
#include "index/store/data_file.h"

#define DEATHS   2 /* openers in a row that die before the data file is set aside */
#define MAP_MIN  (INT64_C(1) << 20)
#define MAP_PAGE 65536 /* a multiple of the page size on every architecture */

/* The data file's own blocks count as free space. */
static int64_t bounded(const struct index *ix, int64_t map_size)
{
	uint64_t room = data_file_free(ix->lock.fd);
	struct stat st;

	if (room == UINT64_MAX)
		return map_size;
	if (stat(ix->path, &st) == 0)
		room += (uint64_t)st.st_blocks * 512;
	if (room / 2 < (uint64_t)map_size)
		map_size = (int64_t)(room / 2);
	map_size -= map_size % MAP_PAGE;
	return map_size < MAP_MIN ? MAP_MIN : map_size;
}

static void note(struct err *ret_note, const char *path, const char *why)
{
	(void)err_set(
	    ret_note, 0, "the index was set aside as '%s.bad' and begun anew: %s", path, why);
}

/* Both only grow. */
#define VERSION (RECORD_VERSION + STORE_VERSION)

/* Removes a data file of another boot or version; sets aside one at which openers died. */
static int prepare(struct index *ix, struct err *ret_note, struct err *err)
{
	char boot[INDEX_LOCK_BOOT + 1];
	int code = index_lock_boot(boot);
	bool fresh;

	if (code != 0)
		return err_sys(err, -code, "failed to read this boot's id");
	fresh = strcmp(boot, ix->lock.boot) != 0 || ix->lock.version != VERSION;
	if (!fresh && ix->lock.deaths < DEATHS)
		return 0;
	if (fresh) {
		code = data_file_remove(ix->path);
		code = code ?: data_file_remove(ix->pending.path);
	} else {
		code = data_file_set_aside(ix->path);
		code = code ?: data_file_set_aside(ix->pending.path);
		note(ret_note, ix->path, "the process that opened it died twice in a row");
	}
	memcpy(ix->lock.boot, boot, sizeof boot);
	ix->lock.version = VERSION;
	ix->lock.deaths = 0;
	ix->lock.sum = 0;
	if (code != 0)
		return err_sys(err, -code, "failed to make room for index '%s'", ix->path);
	return 0;
}

/* Catch-up believes inode rows, and a selection believes author rows, so one changed byte of a key
 * would hide a message. Therefore no file is believed that changed while it was closed. If its
 * owner closed it, its checksum is compared, which is cheap; otherwise all of it is read. *ret: its
 * checksum; 0 unknown. */
static int check_file(const struct index *ix, uint64_t *ret, struct err *err)
{
	uint64_t sum = 0;

	*ret = 0;
	if (ix->lock.sum == 0 || data_file_sum(ix->path, &sum) != 0)
		return 0; /* store_open reports the error, if any */
	if (sum != ix->lock.sum)
		return err_set(err, ERR_DAMAGED,
		    "index '%s' is damaged (it changed while nobody had it open)", ix->path);
	*ret = sum;
	return 0;
}

static int open_store(struct index *ix, int64_t map_size, struct err *err)
{
	struct store *store;
	int code = store_open(ix->path, map_size, &store, err);

	if (code != 0)
		return code;
	if (ix->sum == 0)
		code = store_read_all(store, err);
	if (ix->sum == 0 && code == 0)
		code = rows_check(store, err);
	if (code != 0)
		store_close(store);
	else
		ix->store = store;
	if (code == 0)
		store_set_watch(store, &ix->counting.watch);
	return code;
}

/* If the map does not fit, memory is short. Otherwise the damaged head of the file asks for too
 * much. */
static bool file_may_be_good(int code, int64_t map_size)
{
	if (code == -ENOMEM)
		return !store_can_map((size_t)map_size, false);
	return code == ERR_FULL || code == ERR_LIMIT || code == -EMFILE || code == -ENFILE ||
	       code == -EROFS;
}

static int open_or_replace(
    struct index *ix, int64_t map_size, struct err *ret_note, struct err *err)
{
	struct err why = {{0}};
	int code = check_file(ix, &ix->sum, &why);

	ix->lock.deaths++;
	ix->lock.sum = 0; /* opening the file may lengthen it */
	index_lock_note(&ix->lock);
	code = code ?: open_store(ix, map_size, &why);
	if (code != 0 && !file_may_be_good(code, map_size) && data_file_set_aside(ix->path) == 0) {
		note(ret_note, ix->path, why.text);
		ix->sum = 0;
		code = open_store(ix, map_size, &why);
	}
	if (code == 0 && pending_recover(ix) == ERR_DAMAGED)
		(void)err_set(ret_note, 0,
		    "what a killed daemon had not yet recorded could not be read; it was set aside "
		    "as "
		    "'%s.bad'",
		    ix->pending.path);
	ix->lock.deaths = 0;
	index_lock_note(&ix->lock);
	return code == 0 ? 0 : err_set(err, code, "%s", why.text);
}

static struct index *new_index(const char *directory)
{
	struct index *ix = calloc(1, sizeof *ix);

	if (!ix)
		return NULL;
	ix->lock.fd = -1;
	ix->begun = ix->ended = (uint64_t)clock_wall();
	ix->directory = strdup(directory);
	if (asprintf(&ix->path, "%s/" INDEX_FILE, directory) < 0)
		ix->path = NULL;
	counting_begin(ix);
	if (ix->directory && ix->path && pending_begin(ix) == 0)
		return ix;
	index_close(ix);
	return NULL;
}

int index_open(const char *directory, int64_t map_size, struct index **ret, struct err *ret_note,
    struct err *err)
{
	struct index *ix = new_index(directory);
	int code;

	if (!ix)
		return err_sys(err, ENOMEM, "failed to open index '%s'", directory);
	code = index_lock_take(directory, &ix->lock, err);
	code = code ?: prepare(ix, ret_note, err);
	code = code ?: open_or_replace(ix, bounded(ix, map_size), ret_note, err);
	if (code != 0)
		index_close(ix);
	else
		*ret = ix;
	return code;
}

static void close_store(struct index *ix)
{
	bool damaged = store_is_damaged(ix->store), ours = index_check(ix) == 0;
	uint64_t sum = store_is_changed(ix->store) ? 0 : ix->sum;

	store_close(ix->store);
	if (damaged && index_lock_is_current(&ix->lock, ix->directory))
		(void)!data_file_set_aside(ix->path);
	if (ours && sum == 0 && data_file_sum(ix->path, &sum) != 0)
		sum = 0;
	ix->lock.sum = ours ? sum : 0;
	index_lock_note(&ix->lock);
}

void index_close(struct index *ix)
{
	if (!ix)
		return;
	pending_end(ix);
	if (ix->store)
		close_store(ix);
	io_close(&ix->lock.fd);
	counting_end(ix);
	free(ix->directory);
	free(ix->path);
	free(ix);
}
