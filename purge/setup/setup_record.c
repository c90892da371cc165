/* SPDX-License-Identifier: ISC */
/* The record of a setup, on disk. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "purge/setup/setup_file.h"
#include "purge/setup/setup_record.h"

#define HEAD "pqpurge setup 1"

static const char *const names[] = {"main.cf", "pqpurge.conf"}, *const states[] = {
								    "before", "after"};

static void put_path(struct strbuf *to, const char *path, const char *name, const char *state)
{
	strbuf_clear(to);
	strbuf_printf(to, "%s/%s%s%s", path, name, *state ? "." : "", state);
}

void setup_record_release(struct setup_record *record)
{
	strbuf_release(&record->users);
	strbuf_release(&record->directories);
	strbuf_release(&record->units);
	*record = (struct setup_record){0};
}

/* ---- `made` */

static bool take(struct setup_record *record, const char *line)
{
	const char *value = strchr(line, ' ');
	struct strbuf *list = str_starts(line, "user ")        ? &record->users
			      : str_starts(line, "directory ") ? &record->directories
			      : str_starts(line, "unit ")      ? &record->units
							       : NULL;

	if (list)
		strlist_push(list, value + 1, strlen(value + 1));
	return list != NULL;
}

static bool parse(struct setup_record *record, char *text)
{
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);

	if (!line || strcmp(line, HEAD) != 0)
		return false;
	while ((line = strtok_r(NULL, "\n", &rest)))
		if (!take(record, line))
			return false;
	return true;
}

/* What is restored from here becomes Postfix's configuration. */
static int check_owner(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "failed to look at '%s'", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return err_set(err, -EPERM,
		    "'%s' is no directory that only root can write; it is not believed", path);
	return 1;
}

int setup_record_load(const char *path, struct setup_record *ret, struct err *err)
{
	struct setup_record record = {0};
	struct strbuf file = {0}, text = {0};
	int code = check_owner(path, err);

	if (code <= 0)
		return code;
	put_path(&file, path, "made", "");
	code = setup_file_read(strbuf_text(&file), &text, err);
	if (code > 0 && !parse(&record, text.text))
		code = err_set(err, ERR_DAMAGED, "'%s' is no record of a setup", file.text);
	strbuf_release(&file);
	strbuf_release(&text);
	if (code > 0)
		*ret = record;
	else
		setup_record_release(&record);
	return code;
}

static void put_list(struct strbuf *to, const char *word, const struct strbuf *packed)
{
	struct strlist list = strlist_of(packed);

	strlist_each (item, &list)
		strbuf_printf(to, "%s %s\n", word, item);
}

int setup_record_save(const char *path, const struct setup_record *record, struct err *err)
{
	struct strbuf file = {0}, text = {0};
	int code;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "failed to make '%s'", path);
	code = check_owner(path, err);
	put_path(&file, path, "made", "");
	strbuf_puts(&text, HEAD "\n");
	put_list(&text, "user", &record->users);
	put_list(&text, "directory", &record->directories);
	put_list(&text, "unit", &record->units);
	if (code >= 0 && text.failed)
		code = err_sys(err, ENOMEM, "failed to keep what is done");
	if (code >= 0)
		code =
		    setup_file_replace(strbuf_text(&file), strbuf_text(&text), text.len, 0600, err);
	strbuf_release(&file);
	strbuf_release(&text);
	return code;
}

/* ---- copies */

static int keep(
    const char *path, const char *name, const char *state, const char *file, struct err *err)
{
	struct strbuf copy = {0}, text = {0};
	int code = setup_file_read(file, &text, err);

	put_path(&copy, path, name, state);
	if (code >= 0)
		code =
		    setup_file_replace(strbuf_text(&copy), strbuf_text(&text), text.len, 0600, err);
	strbuf_release(&copy);
	strbuf_release(&text);
	return code;
}

static bool is_kept(const char *path, const char *name, const char *state)
{
	struct strbuf copy = {0};
	bool kept;

	put_path(&copy, path, name, state);
	kept = access(strbuf_text(&copy), F_OK) == 0;
	strbuf_release(&copy);
	return kept;
}

static bool is_same(const char *path, const char *name, const char *state, const char *file)
{
	struct strbuf copy = {0}, text = {0}, now = {0};
	bool same;

	put_path(&copy, path, name, state);
	same = setup_file_read(strbuf_text(&copy), &text, NULL) > 0 &&
	       setup_file_read(file, &now, NULL) >= 0 && text.len == now.len &&
	       (text.len == 0 || memcmp(text.text, now.text, text.len) == 0);
	strbuf_release(&copy);
	strbuf_release(&text);
	strbuf_release(&now);
	return same;
}

static void remove_file(const char *path, const char *name, const char *state)
{
	struct strbuf file = {0};

	put_path(&file, path, name, state);
	unlink(strbuf_text(&file));
	strbuf_release(&file);
}

/* Without a copy from before, one from after says that it is forgotten. With only one from before a
 * change failed: then the file is as it was, or else somebody was faster. */
int setup_record_begin(const char *path, const char *name, const char *file, struct err *err)
{
	bool before = is_kept(path, name, "before"), after = is_kept(path, name, "after");

	if (!before && !after)
		return keep(path, name, "before", file, err);
	if (before && !is_same(path, name, after ? "after" : "before", file))
		remove_file(path, name, "before");
	return 0;
}

int setup_record_end(const char *path, const char *name, const char *file, struct err *err)
{
	return keep(path, name, "after", file, err);
}

bool setup_record_changed(const char *path, const char *name)
{
	return is_kept(path, name, "after");
}

bool setup_record_untouched(const char *path, const char *name, const char *file)
{
	return is_kept(path, name, "before") && is_same(path, name, "after", file);
}

int setup_record_restore(const char *path, const char *name, const char *file, struct err *err)
{
	struct strbuf copy = {0}, text = {0};
	int code;

	put_path(&copy, path, name, "before");
	code = setup_file_read(strbuf_text(&copy), &text, err);
	if (code == 0)
		code = err_set(err, -ENOENT, "'%s' is gone", strbuf_text(&copy));
	else if (code > 0 && text.len > 0)
		code = setup_file_replace(file, strbuf_text(&text), text.len, 0644, err);
	else if (code > 0 && unlink(file) < 0)
		code = err_sys(err, errno, "failed to remove '%s'", file);
	strbuf_release(&copy);
	strbuf_release(&text);
	return code < 0 ? code : 0;
}

int setup_record_remove(const char *path, struct err *err)
{
	for (size_t n = 0; n < COUNT_OF(names) * COUNT_OF(states); n++)
		remove_file(path, names[n % COUNT_OF(names)], states[n / COUNT_OF(names)]);
	remove_file(path, "made", "");
	if (rmdir(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "failed to remove '%s'", path);
	return 0;
}
