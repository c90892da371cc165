/* SPDX-License-Identifier: ISC */
#include "purge/tell/out_file.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/role.h"

struct out_file {
	const char *path, *name; /* name: the last part of path */
	int directory;
	mode_t mode;
	const char *text;
	size_t len;
};

static int fail(const struct out_file *f, struct err *err)
{
	return err_sys(err, errno, "failed to write '%s'", f->path);
}

/* Opens the longest part of the absolute path that only root can write, links followed. Returns its
 * length. */
static size_t open_roots(char *path, int *ret_fd)
{
	char real[PATH_MAX];
	size_t len = strlen(path);

	for (;; len--) {
		const char kept = path[len];

		if (kept != '\0' && kept != '/')
			continue;
		path[len] = '\0';
		const char *part = len ? path : "/";
		bool is_roots = io_is_roots(part) && realpath(part, real) && io_is_roots(real);
		if (is_roots || len == 0)
			*ret_fd = open(is_roots ? real : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		path[len] = kept;
		if (is_roots || len == 0)
			return len;
	}
}

/* Part by part, since others may put links there. */
static int descend(char *rest, int *fd)
{
	for (char *part; *fd >= 0 && (part = strsep(&rest, "/"));) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		errno = ELOOP;
		int next = strcmp(part, "..") == 0
			       ? -1
			       : openat(*fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int number = errno;

		io_close(fd);
		*fd = next;
		errno = number;
	}
	return *fd;
}

/* A link cannot harm a user who is not root. */
static int open_directory(const char *path, int *ret_fd)
{
	char whole[PATH_MAX];
	size_t at = 0;

	if (geteuid() != 0) {
		*ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return *ret_fd;
	}
	if (path[0] != '/') {
		if (!getcwd(whole, sizeof(whole) - 1))
			return -1;
		at = strlen(whole);
		whole[at++] = '/';
	}
	if (snprintf(whole + at, sizeof(whole) - at, "%s", path) >= (int)(sizeof(whole) - at)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	at = open_roots(whole, ret_fd);
	return descend(whole + at, ret_fd);
}

static int split_path(struct out_file *f, struct err *err)
{
	const char *slash = strrchr(f->path, '/');
	char directory[PATH_MAX];
	size_t len = slash ? (size_t)(slash - f->path) : 0;

	f->name = slash ? slash + 1 : f->path;
	if (!*f->name || strcmp(f->name, ".") == 0 || strcmp(f->name, "..") == 0)
		return err_set(err, ERR_USAGE, "'%s' does not name a file", f->path);
	if (len >= sizeof(directory))
		return err_set(err, ERR_USAGE, "'%s' is too long", f->path);
	snprintf(directory, sizeof(directory), "%.*s", (int)len, f->path);
	if (!len)
		snprintf(directory, sizeof(directory), "%s", slash ? "/" : ".");
	if (open_directory(directory, &f->directory) >= 0)
		return 0;
	if (errno == ELOOP || errno == ENOTDIR)
		return err_set(err, ERR_CONFIG,
		    "'%s': its directory is not a directory, or the path has a symbolic link; name "
		    "the directory itself",
		    f->path);
	return err_sys(err, errno, "failed to write '%s': its directory, '%s'", f->path, directory);
}

static int check_target(const struct out_file *f, struct err *err)
{
	struct stat st;

	if (fstatat(f->directory, f->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : fail(f, err);
	if (S_ISREG(st.st_mode))
		return 0;
	return err_set(
	    err, ERR_CONFIG, "'%s' exists and is not a regular file; it is left alone", f->path);
}

static int fill(const struct out_file *f, int fd)
{
	int code = io_write_all(fd, f->text, f->len);

	if (code == 0 && fchmod(fd, f->mode) != 0)
		code = -errno;
	return close(fd) == 0 || code < 0 ? code : -errno;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	const struct out_file *f = arg;
	char beside[40];
	uint64_t chance;
	int code = check_target(f, err);

	(void)out;
	if (code < 0)
		return code;
	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		return fail(f, err);
	snprintf(beside, sizeof(beside), ".pqpurge-%016" PRIx64, chance);
	int fd = openat(
	    f->directory, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(f, err);
	code = fill(f, fd);
	if (code == 0 && renameat(f->directory, beside, f->directory, f->name) == 0)
		return 0;
	errno = code < 0 ? -code : errno;
	code = fail(f, err);
	unlinkat(f->directory, beside, 0);
	return code;
}

/* Runs as the owner of the open directory, whose path may name another one by now. */
static int write_as_owner(struct out_file *f, struct err *err)
{
	struct role role = {.uid = geteuid(), .gid = getegid(), .name = "the caller"};
	struct role_child child = {.keep = f->directory};
	struct blob none = {0};
	char self[40];
	int code = 0;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->directory);
	if (geteuid() == 0)
		code = role_of_owner(self, &role, err);
	code = code ?: role_start(&child, &role, work, f, err);
	code = code ?: role_finish(&child, clock_steady() + ROLE_TIME, &none, err);
	if (code == 0)
		blob_release(&none);
	return code;
}

int out_file_write(const char *path, mode_t mode, const char *text, size_t len, struct err *err)
{
	struct out_file f = {.path = path, .directory = -1, .mode = mode, .text = text, .len = len};
	int code = split_path(&f, err);

	code = code ?: write_as_owner(&f, err);
	io_close(&f.directory);
	return code;
}

int out_file_put(const struct options *o, mode_t mode, const struct strbuf *text, struct err *err)
{
	if (!o->output)
		return session_written(
		    fwrite(text->text, 1, text->len, stdout) == text->len ? 0 : -errno, err);
	return o->dry_run ? 0 : out_file_write(o->output, mode, text->text, text->len, err);
}
