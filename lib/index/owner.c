/* SPDX-License-Identifier: ISC */
/* Whose the index is. */
#include "index/owner.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/data_file.h"

int owner_no_index(const char *directory, struct err *err)
{
	return err_set(err, ERR_NO_INDEX,
	    "no index in '%s' (has pqpurge-milter run with this configuration?)", directory);
}

static int look(const char *directory, bool needs_file, struct role *ret, struct err *err)
{
	char *path = data_file_path(directory, DATA_FILE);
	int code;

	if (!path)
		return err_sys(err, ENOMEM, "failed to look at index '%s'", directory);
	code = needs_file && !data_file_exists(directory) ? -ENOENT : role_of_owner(path, ret, err);
	if (code == -ENOENT && !needs_file)
		code = role_of_owner(directory, ret, err);
	free(path);
	return code == -ENOENT || code == -ENOTDIR ? owner_no_index(directory, err) : code;
}

/* Whether nobody but root can put files into the directory. */
static bool is_roots_own(const char *directory)
{
	struct stat st;

	return stat(directory, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int owner_find(
    const char *directory, const char *what, bool needs_file, struct role *ret, struct err *err)
{
	struct role role = {0};
	int code = look(directory, needs_file, &role, err);

	if (code != 0)
		return code;
	if (geteuid() != 0 && geteuid() != role.uid)
		return err_set(err, -EACCES, "no permission to %s index '%s' (must be root or %s)",
		    what, directory, role.name);
	if (role.uid == 0 && !is_roots_own(directory))
		return err_set(err, -EACCES,
		    "index '%s' is a file of root's in a directory that others can write to: give "
		    "the file to the owner of the directory",
		    directory);
	*ret = role;
	return 0;
}
