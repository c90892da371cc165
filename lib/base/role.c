/* SPDX-License-Identifier: ISC */
#include <grp.h>
#include <pwd.h>

#include "base/role.h"

#define OVERFLOW_GID ((gid_t)65534)

int role_of_user(const char *user, struct role *ret, struct err *err)
{
	errno = 0;
	const struct passwd *entry = getpwnam(user);
	/* POSIX does not say which errno means "no such user". */
	if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, errno, "failed to look up user '%s'", user);
	if (!entry)
		return err_set(err, ERR_CONFIG, "no such user '%s'", user);
	*ret = (struct role){.uid = entry->pw_uid, .gid = entry->pw_gid};
	snprintf(ret->name, sizeof(ret->name), "%s", user);
	return 0;
}

int role_of_owner(const char *path, struct role *ret, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_sys(err, errno, "failed to look at '%s'", path);
	if (S_ISLNK(st.st_mode) && st.st_uid == 0 && stat(path, &st) < 0)
		return err_sys(err, errno, "failed to look at '%s'", path);
	errno = 0;
	const struct passwd *entry = getpwuid(st.st_uid);
	if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, errno, "failed to look up uid %u", (unsigned)st.st_uid);
	*ret = (struct role){.uid = st.st_uid, .gid = st.st_gid ? st.st_gid : OVERFLOW_GID};
	snprintf(ret->name, sizeof(ret->name), "uid %u", (unsigned)st.st_uid);
	if (entry) {
		ret->gid = entry->pw_gid;
		snprintf(ret->name, sizeof(ret->name), "%s", entry->pw_name);
	}
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

static int verify_dropped(const struct role *role, bool with_groups, struct err *err)
{
	const char *wrong = NULL;

	if (!has_ids(role, true))
		wrong = "the ids did not change";
	else if (!with_groups && getgroups(0, NULL) != 0)
		wrong = "groups remain";
	else if (role->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		wrong = "root could be regained";
	else if (role->uid != 0 && role->gid != 0 && (setgid(0) == 0 || setegid(0) == 0))
		wrong = "group root could be regained";
	if (!wrong)
		return 0;
	return err_set(err, -EPERM, "failed to become %s (%s)", role->name, wrong);
}

/* Groups first, uid last: each step needs the right that the last one gives up. */
int role_assume(const struct role *role, bool with_groups, struct err *err)
{
	if (geteuid() != 0) {
		if (has_ids(role, false))
			return 0;
		return err_sys(err, EPERM, "failed to become %s", role->name);
	}
	int code = with_groups ? initgroups(role->name, role->gid) : setgroups(0, NULL);
	if (code < 0)
		return err_sys(err, errno, "failed to set the groups of %s", role->name);
	if (setresgid(role->gid, role->gid, role->gid) < 0)
		return err_sys(
		    err, errno, "failed to become group %u of %s", (unsigned)role->gid, role->name);
	if (setresuid(role->uid, role->uid, role->uid) < 0)
		return err_sys(err, errno, "failed to become %s", role->name);
	return verify_dropped(role, with_groups, err);
}
