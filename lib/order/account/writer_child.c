/* SPDX-License-Identifier: ISC */
/* The child writes all lines that have arrived in one go, and syncs once. */
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "order/account/writer.h"

#define GATHER_MAX 128 /* frames written together */

struct serving {
	int socket;
	struct account_log log;
	struct strbuf lines;
	uint32_t parts[GATHER_MAX]; /* to answer once the lines are on disk */
	size_t count;
	bool ended;
	uint64_t written; /* as in struct ledger */
};

static int answer(int socket, uint32_t part, int code, const char *words, struct span more)
{
	AUTO(bytes_release) struct bytes out = {0};

	bytes_put_u32(&out, part);
	bytes_put_u32(&out, (uint32_t)code);
	bytes_put_text(&out, words);
	bytes_put(&out, more.at, more.len);
	return out.failed
		   ? -ENOMEM
		   : io_frame_write(socket, bytes_span(&out), clock_steady() + ACCOUNT_PATIENCE);
}

/* An unfinished hold with the same selector and token, whose command is gone. */
static struct ledger_batch *find_adoptable(const struct ledger *ledger, const struct json *first)
{
	const char *verb = json_text(first, "verb"), *selector = json_text(first, "selector");
	const char *token = json_text(first, "token");
	bool adopts = verb && strcmp(verb, "hold") == 0 && selector && *selector;

	for (size_t n = ledger->count; adopts && n > 0; n--) {
		struct ledger_batch *b = &ledger->list[n - 1];

		if (b->effect == EFFECT_HOLDS && !b->ended && !b->undone && !b->told.running &&
		    strcmp(b->told.selector, selector) == 0 &&
		    strcmp(b->told.token, token ? token : "") == 0)
			return b;
	}
	return NULL;
}

static void put_answer(struct bytes *out, uint64_t number, struct ledger_batch *adopted)
{
	AUTO(strbuf_release) struct strbuf doubt = {0};

	bytes_put_u64(out, number);
	bytes_put_u64(out, adopted ? ledger_doubt(adopted, &doubt) : 0);
	bytes_put_u32(out, adopted ? adopted->last_part : 0);
	bytes_put_text(out, strbuf_text(&doubt));
	out->failed |= doubt.failed;
}

static int append_first(
    struct serving *s, const char *first, uint64_t number, bool adopts, struct err *err)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	int code = account_log_run(&s->log, number, err);

	strbuf_printf(&line, "{\"%s\":%llu,%s", adopts ? "adopt" : "begin",
	    (unsigned long long)number, first + 1);
	if (code == 0 && line.failed)
		code = err_sys(err, ENOMEM, "failed to begin the account");
	code = code ?: account_log_append(&s->log, line.text, line.len, true, err);
	if (code == 0)
		account_log_reserve(&s->log);
	return code;
}

static uint64_t next_number(const struct serving *s, const struct ledger *ledger)
{
	uint64_t kept = account_log_highest(&s->log);

	return (kept > ledger->highest ? kept : ledger->highest) + 1;
}

static int begin_locked(struct serving *s, const char *first, struct bytes *out, struct err *err)
{
	struct ledger_batch *adopted;
	AUTO(json_release) struct json *o = NULL;
	AUTO(ledger_release) struct ledger ledger = {0};
	uint64_t number;
	int code = json_parse(first, strlen(first), &o, err);

	code = code ?: ledger_read(&s->log, false, &ledger, err);
	if (code == 0) {
		s->written = ledger.written;
		adopted = find_adoptable(&ledger, o);
		number = adopted ? adopted->told.number : next_number(s, &ledger);
		put_answer(out, number, adopted);
		code = append_first(s, first, number, adopted != NULL, err);
		if (code == 0 && !adopted)
			account_log_keep(&s->log, number);
	}
	return code;
}

static int begin(struct serving *s, const char *first)
{
	struct err why = {{0}};
	AUTO(bytes_release) struct bytes more = {0};
	int code = account_log_lock(&s->log, &why);

	if (code == 0) {
		code = begin_locked(s, first, &more, &why);
		account_log_unlock(&s->log);
	}
	if (code == 0 && more.failed)
		code = err_sys(&why, ENOMEM, "failed to begin the account");
	if (code < 0)
		bytes_clear(&more);
	return answer(s->socket, WRITER_BEGIN, code, why.text, bytes_span(&more));
}

/* Returns 0 if the parent is gone. */
static int take_frame(struct serving *s, struct bytes *frame)
{
	int got = io_frame_read(s->socket, frame, WRITER_FRAME_MAX, INT64_MAX), code = 0;
	struct reader r = reader_of(frame->at, frame->len);
	uint32_t part = reader_u32(&r);
	const char *lines = reader_text(&r);

	if (got != 1 || r.failed)
		return got != 1 ? got : ERR_SYNTAX;
	if (part == WRITER_BEGIN) {
		code = begin(s, lines);
		return code < 0 ? code : 1;
	}
	strbuf_puts(&s->lines, lines);
	if (part != WRITER_NOTE)
		s->parts[s->count++] = part;
	s->ended = part == WRITER_END;
	return 1;
}

static bool is_more(const struct serving *s)
{
	struct pollfd waiting = {s->socket, POLLIN, 0};

	return !s->ended && s->count < GATHER_MAX && poll(&waiting, 1, 0) == 1;
}

static int write_lines(struct serving *s)
{
	struct err why = {{0}};
	int code = s->lines.failed ? err_sys(&why, ENOMEM, "failed to write the account")
				   : account_log_lock(&s->log, &why);
	int sent = 0;

	if (code == 0) {
		code = account_log_append(&s->log, s->lines.text, s->lines.len, s->count > 0, &why);
		account_log_unlock(&s->log);
	}
	for (size_t n = 0; sent == 0 && n < s->count; n++)
		sent = answer(s->socket, s->parts[n], code, why.text, (struct span){0});
	strbuf_clear(&s->lines);
	s->count = 0;
	return sent;
}

int writer_serve(int socket, const char *directory, struct err *err)
{
	struct serving s = {.socket = socket};
	AUTO(bytes_release) struct bytes frame = {0};
	int code = account_log_open(&s.log, directory, true, err), got = 1;

	if (code < 0)
		return answer(socket, WRITER_BEGIN, code, err->text, (struct span){0});
	while (got == 1 && code == 0 && !s.ended) {
		do
			got = take_frame(&s, &frame);
		while (got == 1 && is_more(&s));
		if (s.lines.len > 0 || s.count > 0)
			code = write_lines(&s);
	}
	if (s.ended && code == 0)
		ledger_compact(&s.log, s.written);
	strbuf_release(&s.lines);
	account_log_close(&s.log);
	return 0;
}
