/* SPDX-License-Identifier: ISC */
#include "purge/setup/setup_file.h"
#include "base/io.h"

int setup_file_read(const char *path, struct strbuf *ret, struct err *err)
{
	AUTO(io_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	strbuf_clear(ret);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "failed to read '%s'", path);
	int code = io_read_text(fd, SETUP_FILE_MAX, ret);
	return code < 0 ? err_sys(err, -code, "failed to read '%s'", path) : 1;
}

/* Gives fd the owner and mode of the file that it will replace. */
static int copy_owner_and_mode(int fd, const char *path, unsigned mode)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fchmod(fd, mode) < 0 ? -errno : 0;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		return -errno;
	return 0;
}

/* The directory's entry for the new file must be on disk, too. */
static int sync_directory(const char *path)
{
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%s", path);
	char *slash = strrchr(directory, '/');
	if (!slash)
		return 0;
	slash[slash == directory] = '\0';
	AUTO(io_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int setup_file_replace(const char *path, const struct strbuf *text, unsigned mode, struct err *err)
{
	AUTO(free_local) char *real = realpath(path, NULL);
	const char *target = real ? real : path;
	AUTO(strbuf_release) struct strbuf temporary = {0};
	AUTO(io_close) int fd = -1;

	strbuf_printf(&temporary, "%s.XXXXXX", target);
	if (temporary.failed || text->failed)
		return err_sys(err, ENOMEM, "failed to write '%s'", path);
	if ((fd = mkostemp(temporary.text, O_CLOEXEC)) < 0)
		return err_sys(err, errno, "failed to write '%s'", path);
	int code = io_write_all(fd, strbuf_text(text), text->len);
	code = code ?: copy_owner_and_mode(fd, target, mode);
	if (code == 0 && (fsync(fd) < 0 || rename(temporary.text, target) < 0))
		code = -errno;
	if (code < 0)
		unlink(temporary.text);
	else
		code = sync_directory(target);
	return code < 0 ? err_sys(err, -code, "failed to write '%s'", path) : 0;
}

/* Whether a line sets key, or with commented would do so without its "#". */
static bool sets(const char *line, const char *key, bool commented)
{
	line += strspn(line, " \t");
	if (commented && *line != '#')
		return false;
	line += commented;
	line += strspn(line, " \t");
	if (!str_starts(line, key))
		return false;
	line += strlen(key);
	line += strspn(line, " \t");
	return *line == '=';
}

static const char *find_line(const char *text, const char *key, bool commented)
{
	while (*text) {
		if (sets(text, key, commented))
			return text;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

/* What stands behind the value in a line that sets something: a comment, or another setting. */
static const char *behind_value(const char *line)
{
	const char *at = line + strcspn(line, "=\n");

	at += *at == '=';
	at += strspn(at, " \t");
	if (*at != '"' && *at != '\'')
		return at + strcspn(at, " \t\r\n#");
	for (const char quote = *at++; *at && *at != '\n'; at++) {
		if (*at == quote)
			return at + 1;
		at += *at == '\\' && at[1] && at[1] != '\n';
	}
	return at;
}

bool setup_is_plain(const char *value)
{
	for (const char *at = value; *at; at++)
		if (*at <= ' ' || *at > '~' || strchr("\"'\\$#{}", *at))
			return false;
	return *value != '\0';
}

void setup_set_line(const char *text, const char *key, const char *value, struct strbuf *ret,
    struct strbuf *before, struct strbuf *after)
{
	const char *at = find_line(text, key, false), *rest = at ? behind_value(at) : "";

	if (!at)
		at = find_line(text, key, true);
	strbuf_printf(after, "%s = \"%s\"", key, value);
	strbuf_add(after, rest, strcspn(rest, "\n"));
	if (at) {
		size_t len = strcspn(at, "\n");

		strbuf_add(before, at, len);
		strbuf_add(ret, text, (size_t)(at - text));
		strbuf_puts(ret, strbuf_text(after));
		strbuf_puts(ret, at + len);
		return;
	}
	strbuf_puts(ret, text);
	if (*text && text[strlen(text) - 1] != '\n')
		strbuf_putc(ret, '\n');
	strbuf_printf(ret, "%s\n", strbuf_text(after));
}
