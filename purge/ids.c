/* SPDX-License-Identifier: ISC */
#include "purge/ids.h"
#include "base/str.h"
#include "purge/tell/say.h"

#define COMPLAINTS 20

int id_of_line(const char *line, size_t len, struct queue_id *ret)
{
	while (len && str_is_blank(line[len - 1]))
		len--;
	while (len && str_is_blank(*line)) {
		line++;
		len--;
	}
	if (len == 0)
		return 0;
	if (strchr("*!#", line[len - 1]))
		len--;
	return queue_id_parse(line, len, ret) < 0 ? ERR_SYNTAX : 1;
}

static void complain_of(FILE *told, size_t number, const char *line)
{
	int len = (int)strcspn(line, "\n");

	say(told, "pqpurge-idx: line %zu: '%.*s' is not a queue ID\n", number, len < 60 ? len : 60,
	    line);
}

/* Whether there is a line. Keeps its first bytes, at most as many as fit, and a NUL; *ret_len may
 * be larger. */
static bool next_line(FILE *from, char line[IDS_LINE_MAX + 1], size_t *ret_len)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(from)) != EOF && c != '\n')
		if (len++ < IDS_LINE_MAX)
			line[len - 1] = (char)c;
	line[len < IDS_LINE_MAX ? len : IDS_LINE_MAX] = '\0';
	*ret_len = len;
	return c != EOF || len > 0;
}

int ids_read(FILE *from, FILE *told, struct selector *s, size_t *ret_bad, struct err *err)
{
	char line[IDS_LINE_MAX + 1];
	size_t len, number = 0, bad = 0;
	int code = 0;

	errno = 0;
	while (code >= 0 && next_line(from, line, &len)) {
		struct queue_id id;

		number++;
		code = len > IDS_LINE_MAX ? ERR_SYNTAX : id_of_line(line, len, &id);
		if (code > 0)
			code = s->ids.count < IDS_MAX ? selector_add_id(s, &id) : ERR_LIMIT;
		else if (code == ERR_SYNTAX && ++bad <= COMPLAINTS)
			complain_of(told, number, line);
		if (code == ERR_SYNTAX)
			code = 0;
	}
	if (bad > COMPLAINTS)
		say(told, "pqpurge-idx: and %zu more lines\n", bad - COMPLAINTS);
	if (code >= 0 && ferror(from))
		return err_sys(err, errno ? errno : EIO, "failed to read queue IDs from stdin");
	if (code == ERR_LIMIT)
		return err_set(err, ERR_USAGE, "more than %u queue IDs on stdin", IDS_MAX);
	if (code < 0)
		return err_set(err, code, "too many queue IDs (%s)", err_word(code));
	*ret_bad = bad;
	return 0;
}
