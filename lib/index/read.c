/* SPDX-License-Identifier: ISC */
/*
 * Reading the index from the command: always in a child that has become the index's owner, for
 * three reasons. LMDB's readers write to its lock file; a damaged file can kill its reader; and
 * what was recorded came from strangers. An index that root owns (a daemon run as root, a private
 * test) is read by a child that stays root.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/data_file.h"
#include "index/home.h"
#include "index/select.h"

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

static int read_in_child(void *arg, struct bytes *out, struct err *err)
{
	struct reading *reading = arg;
	struct store_config config = {.directory = reading->directory, .read_only = true};
	struct store *store;
	int code = store_open_lmdb(&config, &store, err);

	if (code != 0)
		return code;
	code = check_schema(store, reading->directory, err);
	if (code == 0)
		code = reading->work(store, reading->arg, out, err);
	store_close(store);
	return code;
}

static int no_index(const char *directory, struct err *err)
{
	return err_set(err, ERR_NO_INDEX,
	    "no index in '%s' (has pqpurge-milter run with this configuration?)", directory);
}

/* Who may read: the owner of the data file. */
static int owner_of(const char *directory, struct role *ret, struct err *err)
{
	char *path = data_file_path(directory, DATA_FILE);
	int code;

	if (!path)
		return err_sys(err, ENOMEM, "failed to read index '%s'", directory);
	code = data_file_exists(directory) ? role_of_owner(path, ret, err) : ERR_NO_INDEX;
	free(path);
	if (code == ERR_NO_INDEX || code == -ENOENT || code == -ENOTDIR)
		return no_index(directory, err);
	return code;
}

int index_read(
    const char *directory, index_read_work *work, void *arg, struct blob *ret, struct err *err)
{
	struct reading reading = {.directory = directory, .work = work, .arg = arg};
	struct role owner = {0};
	int code = owner_of(directory, &owner, err);

	if (code != 0)
		return code;
	if (geteuid() != 0 && geteuid() != owner.uid)
		return err_set(err, -EACCES,
		    "no permission to read index '%s' (must be root or %s)", directory, owner.name);
	code = role_collect(&owner, read_in_child, &reading, ret, err);
	if (code == ERR_CHILD)
		return err_within(err, ERR_DAMAGED, "index '%s' is damaged", directory);
	if (code == ERR_NO_INDEX) /* removed since we looked */
		return no_index(directory, err);
	return code;
}
