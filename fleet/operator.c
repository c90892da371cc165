/* SPDX-License-Identifier: ISC */
#include "fleet/operator.h"

#include "base/io.h"

static const char *word_of(int code, const char *sqlstate)
{
	if (code == ERR_USAGE || code == ERR_SYNTAX)
		return "usage";
	if (code == ERR_TIMEOUT)
		return "timeout";
	if (strcmp(sqlstate, "42501") == 0 || str_starts(sqlstate, "28"))
		return "denied";
	if (str_starts(sqlstate, "FL") || str_starts(sqlstate, "22") || str_starts(sqlstate, "23"))
		return "refused";
	return *sqlstate ? "failed" : "connect";
}

static int say(int out, struct json *answer)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	int code = json_write(&line, answer);

	return code ?: io_write_all(out, line.text, line.len);
}

static int answer(int out, int code, struct json *good, const char *sqlstate, const struct err *err)
{
	if (code == 0) {
		json_put_bool(good, "ok", true);
		return say(out, good);
	}
	struct json *bad = json_new();
	json_put_text(bad, "error", word_of(code, sqlstate));
	json_put_text(bad, "text", err->text[0] ? err->text : err_word(code));
	json_put_words(bad, "sqlstate", sqlstate);
	return say(out, bad);
}

static int serve_line(struct operator_side *o, int out, const char *line, size_t len)
{
	struct json *request = NULL, *good = NULL;
	struct err err = {{0}};

	if (len == 0)
		return 0;
	int code = json_parse(line, len, &request, &err);
	o->sqlstate[0] = '\0';
	code = code ?: request_run(o, request, &good, &err);
	json_free(request);
	return answer(out, code, good, o->sqlstate, &err);
}

static int serve_whole_lines(struct operator_side *o, int out, struct strbuf *in)
{
	size_t at = 0;
	char *end;
	int code = 0;

	while (code == 0 && (end = memchr(in->text + at, '\n', in->len - at))) {
		code = serve_line(o, out, in->text + at, (size_t)(end - in->text) - at);
		at = (size_t)(end - in->text) + 1;
	}
	memmove(in->text, in->text + at, in->len - at);
	in->len -= at;
	return code;
}

int operator_run(int in, int out)
{
	struct operator_side o = {0};
	AUTO(strbuf_release) struct strbuf lines = {0};
	char chunk[16384];
	ssize_t got = 0;
	int code = 0;

	signal(SIGPIPE, SIG_IGN);
	while (code == 0 && lines.len <= OPERATOR_LINE_MAX &&
	       ((got = read(in, chunk, sizeof(chunk))) > 0 || (got < 0 && errno == EINTR))) {
		strbuf_add(&lines, chunk, got > 0 ? (size_t)got : 0);
		code = lines.failed    ? -ENOMEM
		       : lines.len > 0 ? serve_whole_lines(&o, out, &lines)
				       : 0;
	}
	if (lines.len > OPERATOR_LINE_MAX)
		code = answer(out, ERR_USAGE, NULL, "", &(struct err){"the request is too long"});
	pg_close(o.pg);
	return code == 0 && got == 0 ? 0 : 1;
}
