/* SPDX-License-Identifier: ISC */
#include "rules/rules_file.h"

#include "base/array.h"
#include "base/io.h"
#include "base/lines.h"

int rule_list_add(struct rule_list *rules, struct rule *r)
{
	int rc = array_add(rules, *r);

	if (rc == 0)
		memset(r, 0, sizeof(*r));
	return rc;
}

int rule_list_add_copy(struct rule_list *rules, const struct rule *r)
{
	AUTO(rule_release) struct rule copy = {0};
	int code = rule_copy(r, &copy);

	return code ?: rule_list_add(rules, &copy);
}

int rule_list_copy(struct rule_list *rules, const struct rule_list *from, int64_t wall)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < from->count; i++)
		if (!rule_expired(&from->list[i], wall))
			code = rule_list_add_copy(rules, &from->list[i]);
	return code;
}

void rule_list_release(struct rule_list *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		rule_release(&rules->list[i]);
	free(rules->list);
	memset(rules, 0, sizeof(*rules));
}

static int take_line(const struct lines *lines, struct rule_list *rules, struct err *err)
{
	const struct strbuf *line = &lines->line;
	const char *text = line->text;
	size_t blanks = strspn(text, " \t");
	struct rule r;

	if (lines->cut)
		return err_set(err, ERR_SYNTAX, "longer than %d bytes", LINES_MAX);
	if (memchr(text, '\0', line->len))
		return err_set(err, ERR_SYNTAX, "a NUL byte");
	if (line->len > 0 && text[line->len - 1] == '\r')
		return err_set(err, ERR_SYNTAX, "a carriage return ends the line");
	if (!text[blanks] || text[blanks] == '#')
		return 0;
	if (rules->count == RULES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d rules", RULES_MAX);
	int rc = rule_parse(text, &r, err);
	if (rc != 0)
		return rc;
	r.line = lines->number;
	rc = rule_list_add(rules, &r);
	rule_release(&r);
	return rc;
}

int rules_file_parse(
    const char *name, const char *text, size_t len, struct rule_list *ret, struct err *err)
{
	struct lines lines = LINES_IN(text, len);
	struct rule_list rules = {0};
	int rc;

	while ((rc = lines_next(&lines)) == 1) {
		rc = take_line(&lines, &rules, err);
		if (rc != 0)
			break;
	}
	lines_release(&lines);
	if (rc == 0) {
		*ret = rules;
		return 0;
	}
	rule_list_release(&rules);
	if (rc == -ENOMEM)
		err_sys(err, ENOMEM, "failed to keep the rule");
	return err_within(err, rc, "%s:%u", name, lines.number);
}

/* Refuses a file that is not regular, or too large, before it reads. */
static int read_all(int fd, struct strbuf *into)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return st.st_size > RULES_FILE_MAX ? -EFBIG : io_read_text(fd, RULES_FILE_MAX, into);
}

int rules_file_text(const char *file, struct strbuf *ret, struct err *err)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct strbuf text = {0};

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(err, errno, "failed to open rules file '%s'", file);
	int rc = read_all(fd, &text);
	io_close(&fd);
	if (rc < 0) {
		strbuf_release(&text);
		return err_sys(err, -rc, "failed to read rules file '%s'", file);
	}
	*ret = text;
	return 1;
}

int rules_file_read(const char *file, struct rule_list *ret, struct err *err)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	int rc = rules_file_text(file, &text, err);

	if (rc == 0)
		memset(ret, 0, sizeof(*ret));
	if (rc == 1)
		rc = rules_file_parse(file, strbuf_text(&text), text.len, ret, err);
	return rc;
}
