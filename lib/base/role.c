/* SPDX-License-Identifier: ISC */
/*
 * Roles: finding them, and becoming one for good. What a child of a role does is in role_child.c.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/role.h"

#define OVERFLOW_GID       ((gid_t)65534)
#define PASSWD_MAX         ((size_t)1 << 20)
#define PASSWD_FIRST_BYTES 1024

/*
 * Looks up by name, or by uid where name is NULL. 1 found, 0 not found, or -errno; *ret_memory is
 * the caller's.
 */
static int find_passwd(const char *name, uid_t uid, struct passwd *ret, char **ret_memory)
{
	char *memory = NULL;

	for (size_t size = PASSWD_FIRST_BYTES; size <= PASSWD_MAX; size *= 2) {
		struct passwd *found = NULL;
		char *more = realloc(memory, size);
		int errnum;

		if (!more)
			break;
		memory = more;
		errnum = name ? getpwnam_r(name, ret, memory, size, &found)
			      : getpwuid_r(uid, ret, memory, size, &found);
		if (errnum == ERANGE)
			continue;
		if (found) {
			*ret_memory = memory;
			return 1;
		}
		free(memory);
		/* POSIX leaves the number for "no such user" open; these are in use. */
		return errnum == ENOENT || errnum == ESRCH ? 0 : -errnum;
	}
	free(memory);
	return -ENOMEM;
}

int role_of_user(const char *user, struct role *ret, struct err *err)
{
	struct passwd entry;
	char *memory;
	int code = find_passwd(user, 0, &entry, &memory);

	if (code < 0)
		return err_sys(err, -code, "failed to look up user '%s'", user);
	if (code == 0)
		return err_set(err, ERR_CONFIG, "no such user '%s'", user);
	*ret = (struct role){.uid = entry.pw_uid, .gid = entry.pw_gid};
	snprintf(ret->name, sizeof(ret->name), "%s", user);
	free(memory);
	return 0;
}

/*
 * The group is the user's own, not the file's: Postfix's queue directories belong to postfix:root,
 * and no child should keep group root because of that. A uid without an entry gets the file's
 * group, unless that is root's.
 */
int role_of_owner(const char *path, struct role *ret, struct err *err)
{
	struct stat st;
	struct passwd entry = {0};
	char *memory = NULL;
	int code;

	if (lstat(path, &st) < 0)
		return err_sys(err, errno, "failed to look at '%s'", path);
	/* A link of root's is the admin's: the directory that it names counts. */
	if (S_ISLNK(st.st_mode) && st.st_uid == 0 && stat(path, &st) < 0)
		return err_sys(err, errno, "failed to look at '%s'", path);
	code = find_passwd(NULL, st.st_uid, &entry, &memory);
	if (code < 0)
		return err_sys(err, -code, "failed to look up uid %u", (unsigned)st.st_uid);
	*ret = (struct role){.uid = st.st_uid, .gid = st.st_gid};
	if (code == 0) {
		if (st.st_gid == 0)
			ret->gid = OVERFLOW_GID;
		snprintf(ret->name, sizeof(ret->name), "uid %u", (unsigned)st.st_uid);
		return 0;
	}
	ret->gid = entry.pw_gid;
	snprintf(ret->name, sizeof(ret->name), "%s", entry.pw_name);
	free(memory);
	return 0;
}

static bool has_ids(const struct role *role, bool with_gid)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) < 0 || getresgid(&rgid, &egid, &sgid) < 0)
		return false;
	if (ruid != role->uid || euid != role->uid || suid != role->uid)
		return false;
	return !with_gid || (rgid == role->gid && egid == role->gid && sgid == role->gid);
}

/* Asks the kernel rather than trusting what the calls before have said. */
static int verify_dropped(const struct role *role, bool with_groups, struct err *err)
{
	if (!has_ids(role, true))
		return err_set(
		    err, -EPERM, "failed to become %s (the ids did not change)", role->name);
	if (!with_groups && getgroups(0, NULL) != 0)
		return err_set(err, -EPERM, "failed to become %s (groups remain)", role->name);
	if (role->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return err_set(
		    err, -EPERM, "failed to become %s (root could be regained)", role->name);
	if (role->uid != 0 && role->gid != 0 && (setgid(0) == 0 || setegid(0) == 0))
		return err_set(
		    err, -EPERM, "failed to become %s (group root could be regained)", role->name);
	return 0;
}

/* Groups first, uid last: each step needs the right that the last one gives up. */
int role_assume(const struct role *role, bool with_groups, struct err *err)
{
	int code;

	if (geteuid() != 0) {
		if (has_ids(role, false))
			return 0;
		return err_sys(err, EPERM, "failed to become %s", role->name);
	}
	code = with_groups ? initgroups(role->name, role->gid) : setgroups(0, NULL);
	if (code < 0)
		return err_sys(err, errno, "failed to set the groups of %s", role->name);
	if (setresgid(role->gid, role->gid, role->gid) < 0)
		return err_sys(
		    err, errno, "failed to become group %u of %s", (unsigned)role->gid, role->name);
	if (setresuid(role->uid, role->uid, role->uid) < 0)
		return err_sys(err, errno, "failed to become %s", role->name);
	return verify_dropped(role, with_groups, err);
}
