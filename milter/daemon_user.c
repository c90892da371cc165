/* SPDX-License-Identifier: ISC */
#include "milter/daemon_user.h"

#include <grp.h>

#include "base/io.h"
#include "base/log.h"
#include "milter/listener.h"

int daemon_user_find(const struct settings *settings, struct daemon_user *ret, struct err *err)
{
	const struct group *group = getgrnam(settings->socket_group);

	*ret = (struct daemon_user){
	    .settings = settings,
	    .root = geteuid() == 0,
	    .role = {.uid = (uid_t)-1},
	    .socket_group = group ? group->gr_gid : (gid_t)-1,
	};
	if (!ret->root)
		return 0;
	if (!group)
		return err_set(err, ERR_CONFIG, "socket_group: there is no group '%s'",
		    settings->socket_group);
	return role_of_user(settings->user, &ret->role, err);
}

/* Gives a directory that root made and left empty to the daemon's user, who could not record
 * mail otherwise. */
static int adopt(const struct daemon_user *u, const char *path, struct err *err)
{
	AUTO(io_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int code = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && u->role.uid != 0 &&
	    io_count_names(fd, 1) == 0 && fchown(fd, u->role.uid, u->role.gid) != 0)
		code = err_sys(err, errno, "failed to give directory '%s' away", path);
	return code;
}

static int make_directory(
    const struct daemon_user *u, const char *path, mode_t mode, struct err *err)
{
	int code = listener_make_directory(path, mode, u->role.uid, u->role.gid, err);

	if (code && !u->root) {
		log_warning("%s", err->text);
		return 0;
	}
	return code || !u->root ? code : adopt(u, path, err);
}

int daemon_user_make_directories(const struct daemon_user *u, struct err *err)
{
	int code = make_directory(u, u->settings->index_directory, 0750, err);

	return code ?: make_directory(u, u->settings->state_directory, 0700, err);
}

int daemon_user_become(const struct daemon_user *u, struct err *err)
{
	int code = u->root ? role_assume(&u->role, true, err) : 0;

	umask(0077);
	if (code)
		return code;
	/* Root read them, but a reload reads them as the daemon's user. */
	if (access(u->settings->rules_file, R_OK) != 0 && errno != ENOENT)
		return err_sys(err, errno, "user '%s' cannot read '%s'", u->settings->user,
		    u->settings->rules_file);
	return 0;
}
