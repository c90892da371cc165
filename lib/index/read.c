/* SPDX-License-Identifier: ISC */
/*
 * Reading the index from the command: always in a child that has become the index's owner, for
 * three reasons. LMDB's readers write to its lock file; a damaged file can kill its reader; and
 * what was recorded came from strangers. An index that root owns (a daemon run as root, a private
 * test) is read by a child that stays root.
 */
#include <errno.h>

#include "index/home.h"
#include "index/owner.h"
#include "index/rows/select.h"

struct reading {
	const char *directory;
	index_read_work *work;
	void *arg;
};

static int check_schema(struct store *store, const char *directory, struct err *err)
{
	struct txn txn;
	int code = txn_begin(store, false, &txn);

	code = code == 0 ? home_check_schema(&txn, directory, err)
			 : err_set(err, code, "%s", txn.err.text);
	txn_abort(&txn);
	return code;
}

int index_open(const char *directory, struct store **ret, struct err *err)
{
	struct store_config config = {.directory = directory, .read_only = true};
	struct overlay_source journal = journal_overlay(directory);
	struct store *store;
	int code = store_open_lmdb(&config, &store, err);

	if (code != 0)
		return code;
	code = check_schema(store, directory, err);
	if (code != 0) {
		store_close(store);
		return code;
	}
	*ret = store_open_overlay(store, &journal);
	return *ret ? 0 : err_sys(err, ENOMEM, "failed to read index '%s'", directory);
}

static int read_in_child(void *arg, struct bytes *out, struct err *err)
{
	struct reading *reading = arg;
	struct store *store;
	int code = index_open(reading->directory, &store, err);

	if (code != 0)
		return code;
	code = reading->work(store, reading->arg, out, err);
	/* An old store with the journal of a new one is neither's. */
	if (code >= 0 && store_check(store) != 0)
		code = err_set(err, ERR_STALE, "index '%s' was replaced while it was read",
		    reading->directory);
	store_close(store);
	return code;
}

int index_read(
    const char *directory, index_read_work *work, void *arg, struct blob *ret, struct err *err)
{
	struct reading reading = {.directory = directory, .work = work, .arg = arg};
	struct role owner;
	int code = owner_find(directory, "read", true, &owner, err);

	if (code != 0)
		return code;
	code = role_collect(&owner, read_in_child, &reading, ret, err);
	if (code == ERR_CHILD)
		return err_within(err, ERR_DAMAGED, "index '%s' is damaged", directory);
	if (code == ERR_NO_INDEX) /* removed since we looked */
		return owner_no_index(directory, err);
	return code;
}
