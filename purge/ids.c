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

int ids_read(FILE *from, FILE *told, struct selector *s, size_t *ret_bad, struct err *err)
{
	char *line = NULL;
	size_t cap = 0, number = 0, bad = 0;
	ssize_t len;
	int code = 0;

	errno = 0;
	while (code >= 0 && (len = getline(&line, &cap, from)) >= 0) {
		struct queue_id id;

		number++;
		code = id_of_line(line, (size_t)len, &id);
		if (code > 0)
			code = selector_add_id(s, &id);
		else if (code == ERR_SYNTAX && ++bad <= COMPLAINTS)
			complain_of(told, number, line);
		if (code == ERR_SYNTAX)
			code = 0;
	}
	if (bad > COMPLAINTS)
		say(told, "pqpurge-idx: and %zu more lines\n", bad - COMPLAINTS);
	if (code >= 0 && ferror(from))
		code = err_sys(err, errno ? errno : EIO, "failed to read queue IDs from stdin");
	else if (code < 0)
		err_set(err, code, "too many queue IDs (%s)", err_word(code));
	free(line);
	if (code < 0)
		return code;
	*ret_bad = bad;
	return 0;
}
