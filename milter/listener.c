/* SPDX-License-Identifier: ISC */
#include "milter/listener.h"

#include <sys/socket.h>

#include "base/io.h"
#include "base/log.h"

int listener_make_directory(
    const char *directory, mode_t mode, uid_t uid, gid_t gid, struct err *err)
{
	if (mkdir(directory, mode) != 0)
		return errno == EEXIST
			   ? 0
			   : err_sys(err, errno, "failed to make directory '%s'", directory);
	/* mkdir(2) obeyed the umask */
	if (uid != (uid_t)-1 && (chmod(directory, mode) != 0 || lchown(directory, uid, gid) != 0))
		return err_sys(err, errno, "failed to give directory '%s' away", directory);
	return 0;
}

static int prepare(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err)
{
	char directory[sizeof(l->address.sun_path)];

	if (l->kind != ENDPOINT_UNIX)
		return 0;
	snprintf(directory, sizeof(directory), "%s", l->address.sun_path);
	char *slash = strrchr(directory, '/');
	if (slash == directory)
		return 0;
	*slash = '\0';
	return listener_make_directory(directory, 0750, uid, gid, err);
}

/* Libmilter would silently take the path from a running daemon. */
static int is_free(const struct endpoint *l, struct err *err)
{
	if (l->kind != ENDPOINT_UNIX || !endpoint_is_heard(&l->address))
		return 0;
	return err_set(err, ERR_LOCKED, "another process listens on '%s'", l->address.sun_path);
}

/* The daemon's user may own the directory and replace the socket by a link, so root checks and
 * chowns the same descriptor. */
int listener_give(const struct endpoint *l, uid_t uid, gid_t gid, struct err *err)
{
	struct stat st;
	int fd, errnum = 0;

	if (l->kind != ENDPOINT_UNIX)
		return 0;
	fd = open(l->address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		errnum = errno;
	else if (!S_ISSOCK(st.st_mode))
		errnum = ENOTSOCK;
	else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		errnum = errno;
	io_close(&fd);
	return errnum ? err_sys(err, errnum, "failed to give socket '%s' away", l->address.sun_path)
		      : 0;
}

int listener_open(const struct endpoint *l, const struct listener_config *c, struct err *err)
{
	bool root = geteuid() == 0;
	int code = root ? prepare(l, c->uid, c->gid, err) : 0;

	code = code ?: is_free(l, err);
	if (code)
		return code;
	mode_t before = umask(~c->mode & 0777);
	code = c->open(c->arg, err);
	umask(before);
	if (code)
		return code;
	code = listener_give(l, c->uid, c->gid, err);
	if (code && root) {
		listener_remove(l);
	} else if (code) {
		log_warning("%s", err->text);
		code = 0;
	}
	return code;
}

void listener_remove(const struct endpoint *l)
{
	if (l->kind == ENDPOINT_UNIX)
		unlink(l->address.sun_path);
}
