/* SPDX-License-Identifier: ISC */
#include "purge/setup/setup_record.h"
#include "purge/setup/setup_file.h"

#define HEAD "pqpurge setup 1"

static const char *const files[] = {
    "made", "main.cf.before", "main.cf.after", "pqpurge.conf.before", "pqpurge.conf.after"};

/* The plan made sure that the longest name fits. */
static const char *file_of(const char *path, const char *name, const char *state, char *buf)
{
	snprintf(buf, PATH_MAX, "%s/%s%s", path, name, state);
	return buf;
}

/* Postfix's configuration is restored from here, so only root may have written it. */
static int check_owner(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "failed to look at '%s'", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return err_set(err, -EPERM,
		    "'%s' is not a directory that only root can write to, so it is not trusted",
		    path);
	return 1;
}

int setup_record_load(const char *path, struct strbuf *made, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	char file[PATH_MAX], *line, *rest = NULL;
	int code = check_owner(path, err);

	if (code > 0)
		code = setup_file_read(file_of(path, "made", "", file), &text, err);
	if (code > 0) {
		line = strtok_r(text.text, "\n", &rest);
		if (!line || strcmp(line, HEAD) != 0)
			code = err_set(err, ERR_DAMAGED, "'%s' is not a record of a setup", file);
		while (line && (line = strtok_r(NULL, "\n", &rest)))
			strlist_push(made, line, strlen(line));
	}
	return code;
}

int setup_record_save(const char *path, const struct strbuf *made, struct err *err)
{
	struct strlist list = strlist_of(made);
	AUTO(strbuf_release) struct strbuf text = {0};
	char file[PATH_MAX];

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "failed to make '%s'", path);
	int code = check_owner(path, err);
	strbuf_puts(&text, HEAD "\n");
	strlist_each (line, &list)
		strbuf_printf(&text, "%s\n", line);
	if (code >= 0)
		code = setup_file_replace(file_of(path, "made", "", file), &text, 0600, err);
	return code;
}

static int keep(const char *path, const char *name, const char *state, const struct strbuf *text,
    struct err *err)
{
	char file[PATH_MAX];

	return setup_file_replace(file_of(path, name, state, file), text, 0600, err);
}

static bool is_kept(const char *path, const char *name, const char *state)
{
	char file[PATH_MAX];

	return access(file_of(path, name, state, file), F_OK) == 0;
}

static bool is_same(
    const char *path, const char *name, const char *state, const struct strbuf *text)
{
	AUTO(strbuf_release) struct strbuf kept = {0};
	char file[PATH_MAX];

	return setup_file_read(file_of(path, name, state, file), &kept, NULL) > 0 &&
	       kept.len == text->len &&
	       memcmp(strbuf_text(&kept), strbuf_text(text), text->len) == 0;
}

/* If only the copy from after exists, the one from before was dropped. If only the one from before
 * exists, a change failed; the file is unchanged then, unless somebody else changed it. A removal
 * that did not finish may have put the file back. */
int setup_record_begin(const char *path, const struct setup_text *text, struct err *err)
{
	bool after = is_kept(path, text->name, ".after");
	char file[PATH_MAX];

	if (!is_kept(path, text->name, ".before"))
		return after ? 0 : keep(path, text->name, ".before", &text->before, err);
	if (!is_same(path, text->name, ".before", &text->before) &&
	    !(after && is_same(path, text->name, ".after", &text->before)))
		unlink(file_of(path, text->name, ".before", file));
	return 0;
}

int setup_record_end(const char *path, const struct setup_text *text, struct err *err)
{
	return keep(path, text->name, ".after", &text->after, err);
}

bool setup_record_changed(const char *path, const struct setup_text *text)
{
	return is_kept(path, text->name, ".after") &&
	       !is_same(path, text->name, ".before", &text->before);
}

int setup_record_restore(const char *path, struct setup_text *text, struct err *err)
{
	char file[PATH_MAX];

	if (!is_kept(path, text->name, ".before") ||
	    !is_same(path, text->name, ".after", &text->before))
		return 0;
	return setup_file_read(file_of(path, text->name, ".before", file), &text->after, err);
}

int setup_record_remove(const char *path, struct err *err)
{
	char file[PATH_MAX];

	for (size_t n = 0; n < COUNT_OF(files); n++)
		unlink(file_of(path, files[n], "", file));
	if (rmdir(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "failed to remove '%s'", path);
	return 0;
}
