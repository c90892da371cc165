/* SPDX-License-Identifier: ISC */
/* Tables looked through for an action (util/dict_regexp.c, dict_pcre.c, readlline.c). */
#include "postfix/config/checks.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define TABLE_MAX ((size_t)4 << 20)

/* ---- text */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One logical line: it goes on where the next one begins with a blank. Comments and empty lines are
 * passed over, also inside. Returns what is behind it, NULL at the end. */
static const char *next_line(const char *at, const char *end, struct strbuf *line)
{
	strbuf_clear(line);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end, *first = at;

		while (first < stop && isspace((unsigned char)*first))
			first++;
		if (first < stop && *first != '#') {
			if (line->len > 0 && !is_blank(*at))
				return at;
			strbuf_putc(line, ' ');
			strbuf_add(line, first, (size_t)(stop - first));
		}
		at = newline ? newline + 1 : end;
	}
	return line->len > 0 ? end : NULL;
}

/* What stands behind the pattern or key of a rule. */
static const char *behind_key(const char *rule, bool of_patterns)
{
	if (of_patterns) {
		while (*rule == '!' || is_blank(*rule))
			rule++;
		if (!*rule)
			return rule;
		for (char delimiter = *rule++; *rule && *rule != delimiter; rule++)
			if (*rule == '\\' && rule[1])
				rule++;
		if (!*rule)
			return rule;
	}
	rule += strcspn(rule, " \t");
	return rule + strspn(rule, " \t");
}

static bool word_is(const char *at, const char *word)
{
	size_t len = strlen(word);

	return str_starts_nocase(at, word) && (!at[len] || isspace((unsigned char)at[len]));
}

static bool fits(const char *value, bool without, const char *word)
{
	return without ? *value && !strstr(value, word) : word_is(value, word);
}

bool checks_text_has(const char *text, size_t len, bool of_patterns, bool without, const char *word)
{
	const char *at = text, *end = text + len;
	struct strbuf line = {0};
	bool found = false;

	while (!found && (at = next_line(at, end, &line)) != NULL) {
		const char *rule = strbuf_text(&line);

		rule += strspn(rule, " ");
		found = *rule && !word_is(rule, "if") && !word_is(rule, "endif") &&
			fits(behind_key(rule, of_patterns), without, word);
	}
	strbuf_release(&line);
	return found;
}

/* ---- tables */

/* Anywhere as a word of its own: enough for what stands in main.cf itself. */
static bool has_word(const char *text, const char *word)
{
	for (const char *at = text; *at; at++)
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
		    str_starts_nocase(at, word) && !isalnum((unsigned char)at[strlen(word)]))
			return true;
	return false;
}

struct looking {
	const char *path, *word;
	bool of_patterns, without;
};

static int read_table(const char *path, struct bytes *into, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	char *chunk = NULL;
	ssize_t got = 0;
	int code = 0;

	if (fd < 0)
		return err_sys(err, errno, "failed to open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		code = err_set(err, ERR_REFUSED, "'%s' is not a plain file", path);
	else if ((size_t)st.st_size > TABLE_MAX)
		code = err_set(err, ERR_LIMIT, "'%s' is larger than 4 MiB", path);
	else if (!(chunk = malloc((size_t)st.st_size + 1)))
		code = err_sys(err, ENOMEM, "failed to read '%s'", path);
	else if ((got = io_read_all(fd, chunk, (size_t)st.st_size)) < 0)
		code = err_sys(err, (int)-got, "failed to read '%s'", path);
	if (code == 0)
		bytes_put(into, chunk, (size_t)got);
	free(chunk);
	io_close(&fd);
	return code;
}

static int look_in_child(void *arg, struct bytes *out, struct err *err)
{
	const struct looking *looking = arg;
	struct bytes text = {0};
	int code = read_table(looking->path, &text, err);

	if (code == 0 && text.failed)
		code = err_sys(err, ENOMEM, "failed to read '%s'", looking->path);
	if (code == 0)
		bytes_put_u8(out, checks_text_has((const char *)text.at, text.len,
				      looking->of_patterns, looking->without, looking->word));
	bytes_release(&text);
	return code;
}

static int look_in_file(const struct postfix *p, const struct looking *looking, struct err *err)
{
	struct blob blob = {0};
	int code = role_collect(&p->owner, look_in_child, (void *)looking, &blob, err);
	int found = blob.len == 1 && blob.at[0] == 1;

	if (code == 0 && blob.len != 1)
		code = err_set(err, ERR_CHILD, "the reader of '%s' broke off", looking->path);
	blob_release(&blob);
	return code < 0 ? code : found;
}

int checks_have(
    const struct postfix *p, const char *table, bool without, const char *word, struct err *err)
{
	static const char *const in_patterns[] = {"regexp:", "pcre:"};
	static const char *const in_words[] = {
	    "cidr:", "texthash:", "hash:", "btree:", "lmdb:", "dbm:", "cdb:"};
	struct looking looking = {.word = word, .without = without};

	if (str_starts(table, "proxy:"))
		table += strlen("proxy:");
	const char *rest = strchr(table, ':');
	if (!rest)
		return err_set(err, ERR_SYNTAX, "'%s' is no table", table);
	rest++;
	if (*rest == '{' || str_starts(table, "static:") || str_starts(table, "inline:"))
		return without ? !strstr(rest, word) : has_word(rest, word);
	for (size_t n = 0; n < COUNT_OF(in_patterns); n++)
		if (str_starts(table, in_patterns[n])) {
			looking.path = rest;
			looking.of_patterns = true;
		}
	for (size_t n = 0; n < COUNT_OF(in_words); n++)
		if (str_starts(table, in_words[n]))
			looking.path = rest;
	if (!looking.path || *rest != '/')
		return err_set(err, ERR_REFUSED, "tables of this type cannot be read here");
	return look_in_file(p, &looking, err);
}
