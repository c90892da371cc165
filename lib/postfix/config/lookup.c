/* SPDX-License-Identifier: ISC */
/* The syntax follows util/dict_regexp.c, dict_pcre.c and readlline.c of Postfix. */
#include "postfix/config/lookup.h"

#include <ctype.h>
#include <regex.h>

#include "base/io.h"

#define TABLE_MAX ((size_t)4 << 20)

/* One logical line: a line that begins with a blank continues the one before it; comments and empty
 * lines are skipped, even between the two. Returns the rest of the text, or NULL if there is no
 * line. */
static const char *next_line(const char *at, const char *end, struct strbuf *line)
{
	strbuf_clear(line);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end, *first = at;

		while (first < stop && isspace((unsigned char)*first))
			first++;
		if (first < stop && *first != '#') {
			if (line->len > 0 && *at != ' ' && *at != '\t')
				return at;
			strbuf_putc(line, ' ');
			strbuf_add(line, first, (size_t)(stop - first));
		}
		at = newline ? newline + 1 : end;
	}
	return line->len > 0 ? end : NULL;
}

/* A rule with this action, after a delimited pattern or after a key. */
#define BEHIND_PATTERN "^[! \t]*([^ \t[:alnum:]]).*\\1[[:alpha:]]*[ \t]+REDIRECT([ \t]|$)"
#define BEHIND_KEY     "^[^ \t]+[ \t]+REDIRECT([ \t]|$)"
#define ANYWHERE       "(^|[^[:alnum:]])REDIRECT([^[:alnum:]]|$)" /* for tables inside main.cf */
#define WITH_VALUE     "^[^ \t]+[ \t]+[^ \t]"
#define NO_RULE        "^(if|endif)([ \t]|$)"

static bool fits(const char *text, const char *expression)
{
	regex_t compiled;

	if (regcomp(&compiled, expression, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return found;
}

bool lookup_text_has(const char *text, size_t len, bool of_patterns, const char *lacking)
{
	const char *at = text, *end = text + len;
	AUTO(strbuf_release) struct strbuf line = {0};
	bool found = false;

	while (!found && (at = next_line(at, end, &line)) != NULL) {
		const char *rule = strbuf_text(&line) + 1;

		if (fits(rule, NO_RULE))
			continue;
		found = lacking ? fits(rule, WITH_VALUE) && !strstr(rule, lacking)
				: fits(rule, of_patterns ? BEHIND_PATTERN : BEHIND_KEY);
	}
	return found;
}

struct looking {
	const char *path, *lacking;
	bool of_patterns;
};

static int look_in_child(void *arg, struct bytes *out, struct err *err)
{
	const struct looking *looking = arg;
	int fd = open(looking->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), code;
	AUTO(strbuf_release) struct strbuf text = {0};
	struct stat st;

	if (fd < 0)
		code = err_sys(err, errno, "failed to open '%s'", looking->path);
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		code = err_set(err, ERR_REFUSED, "'%s' is not a plain file", looking->path);
	else if ((code = io_read_text(fd, TABLE_MAX, &text)) < 0)
		code = err_sys(err, -code, "failed to read '%s'", looking->path);
	else
		bytes_put_u8(out, lookup_text_has(strbuf_text(&text), text.len,
				      looking->of_patterns, looking->lacking));
	io_close(&fd);
	return code;
}

static int look_in_file(const struct postfix *p, const struct looking *looking, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};
	int code =
	    role_ask(&p->owner, p->stop, ROLE_TIME, look_in_child, (void *)looking, &blob, err);
	int found = blob.len == 1 && blob.at[0] == 1;

	if (code == 0 && blob.len != 1)
		code = err_set(err, ERR_CHILD, "the reader of '%s' ended early", looking->path);
	return code < 0 ? code : found;
}

static bool is_of(const char *table, const char *types)
{
	char type[16];

	snprintf(type, sizeof(type), " %.*s ", (int)strcspn(table, ":"), table);
	return strstr(types, type) != NULL;
}

int lookup_has(const struct postfix *p, const char *table, const char *lacking, struct err *err)
{
	struct looking looking = {.lacking = lacking};

	if (str_starts(table, "proxy:"))
		table += strlen("proxy:");
	looking.path = strchr(table, ':');
	if (!looking.path)
		return err_set(err, ERR_SYNTAX, "'%s' is not a table", table);
	looking.path++;
	if (*looking.path == '{' || is_of(table, " static inline "))
		return lacking ? !strstr(looking.path, lacking) : fits(looking.path, ANYWHERE);
	looking.of_patterns = is_of(table, " regexp pcre ");
	if ((!looking.of_patterns && !is_of(table, " cidr texthash hash btree lmdb dbm cdb ")) ||
	    *looking.path != '/')
		return err_set(err, ERR_REFUSED, "tables of this type cannot be read here");
	return look_in_file(p, &looking, err);
}
