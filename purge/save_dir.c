/* SPDX-License-Identifier: ISC */
#include "purge/save_dir.h"

#include "base/io.h"
#include "purge/tell/say.h"

static int fail(struct err *err, const char *what, const char *path)
{
	return err_set(
	    err, ERR_CONFIG, "%s '%s' (%s); nothing was deleted", what, path, err_word(-errno));
}

/* Gives the directory away only if we or the caller (mktemp(1)) just made it. */
static int adopt(int fd, const char *path, const struct role *owner, bool ours, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, "failed to look at", path);
	if (st.st_uid != geteuid() || st.st_uid == owner->uid || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    io_count_names(fd, 1) != 0)
		return 0;
	if (fchown(fd, owner->uid, owner->gid) < 0)
		return fail(err, "failed to give away", path);
	if (!ours)
		say(stderr, "'%s' belongs to %s now, who writes the messages.\n", path,
		    owner->name);
	return 0;
}

static int check(int fd, const char *path, const struct role *owner, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, "failed to look at", path);
	if (st.st_uid != owner->uid)
		return err_set(err, ERR_CONFIG,
		    "'%s' must belong to %s, who writes the messages: name a directory that is "
		    "empty or does not exist yet, or chown it; nothing was deleted",
		    path, owner->name);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, ERR_CONFIG,
		    "other users than %s can write to '%s': chmod it to 0700; nothing was deleted",
		    owner->name, path);
	return 0;
}

int save_dir_open(const char *path, const struct role *owner, int *ret_fd, struct err *err)
{
	bool ours = mkdir(path, 0700) == 0;
	int fd = -1, code;

	if (!ours && errno != EEXIST)
		return fail(err, "failed to make the directory", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "failed to open the directory", path);
	code = adopt(fd, path, owner, ours, err);
	code = code ?: check(fd, path, owner, err);
	if (code < 0)
		io_close(&fd);
	else
		*ret_fd = fd;
	return code;
}
