/* SPDX-License-Identifier: ISC */
/* The index's part of the control protocol. */
#include "index/serve.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"

/* One request being answered. */
struct served {
	struct index *ix;
	const struct json *request;
	struct blob body;
	int64_t deadline;

	struct bytes out; /* what goes into the memory file */
	struct json *answer;
};

/* ---- errors */

static const struct {
	int code;
	const char *word;
} error_words[] = {
    {ERR_NO_INDEX, "no-index"},
    {ERR_SYNTAX, "syntax"},
    {ERR_TIMEOUT, "timeout"},
    {ERR_FULL, "full"},
    {ERR_STALE, "stale"},
    {ERR_DAMAGED, "damaged"},
    {ERR_LIMIT, "limit"},
};

struct json *serve_error(int code, const char *text)
{
	struct json *o = json_new();
	const char *word = "failed";

	for (size_t i = 0; i < COUNT_OF(error_words); i++)
		if (error_words[i].code == code)
			word = error_words[i].word;
	json_put_text(o, "error", word);
	json_put_text(o, "text", text[0] ? text : err_word(code));
	return o;
}

/* ---- bodies */

int serve_body(const struct selector *selector, struct span update, struct bytes *out)
{
	struct strbuf text = {0};
	int code = selector ? json_write(&text, wire_selector(selector)) : 0;

	if (code == 0) {
		bytes_put_blob(out, strbuf_text(&text), text.len);
		bytes_put(out, update.at, update.len);
	}
	strbuf_release(&text);
	return code != 0 || out->failed ? -ENOMEM : 0;
}

/* The selector in front, and what follows. *ret_given: there is one, to be released. */
static int read_body(const struct served *s, struct selector *ret, bool *ret_given,
    struct span *ret_rest, struct err *err)
{
	struct reader r = reader_of(s->body.at, s->body.len);
	struct span text = reader_blob(&r);
	struct json *o = NULL;
	int code;

	if (r.failed)
		return err_set(err, ERR_SYNTAX, "a request came without its body");
	*ret_rest = (struct span){.at = r.at, .len = (size_t)(r.end - r.at)};
	*ret_given = text.len > 0;
	if (text.len == 0)
		return 0;
	code = json_parse(text.at, text.len, &o, err);
	if (code == 0)
		code = wire_selector_read(o, ret, err);
	json_free(o);
	return code;
}

/* ---- what is asked */

static int serve_select(struct served *s, struct err *err)
{
	struct selector selector;
	struct span rest = {.len = 0};
	bool given = false;
	int code = read_body(s, &selector, &given, &rest, err);

	if (code != 0)
		return code;
	if (!given)
		return err_set(err, ERR_SYNTAX, "a selection needs a selector");
	code = index_find(s->ix, &selector, s->deadline, &s->out, err);
	selector_release(&selector);
	return code;
}

static int serve_names(struct served *s, struct err *err)
{
	struct index_counts counts;
	int code = index_count(s->ix, &counts, err);

	if (code != 0)
		return code;
	json_put_text(s->answer, "queue_directory", counts.queue_directory);
	return index_names(s->ix, s->deadline, &s->out, err);
}

static int read_networks(const struct json *request, struct strbuf *packed)
{
	for (size_t i = 0; i < json_count(request, "own_networks"); i++) {
		const char *text = json_text(json_at(request, "own_networks", i), NULL);

		if (!text)
			return ERR_SYNTAX;
		strlist_push(packed, text, strlen(text));
	}
	return packed->failed ? -ENOMEM : 0;
}

static int update_with(struct served *s, struct span body, const struct selector *selector,
    const struct strlist *own, struct err *err)
{
	struct index_updated updated;
	struct bytes none = {0};
	int code = index_update(
	    s->ix, body, selector, own, s->deadline, selector ? &s->out : &none, &updated, err);

	bytes_release(&none);
	if (code != 0)
		return code;
	json_put_int(s->answer, "completed", (int64_t)updated.completed);
	json_put_int(s->answer, "added", (int64_t)updated.added);
	json_put_int(s->answer, "dropped", (int64_t)updated.dropped);
	json_put_int(s->answer, "silent", (int64_t)updated.silent);
	return 0;
}

static int serve_update(struct served *s, struct err *err)
{
	struct strbuf packed = {0};
	struct selector selector;
	struct strlist own;
	struct span body = {.len = 0};
	bool given = false;
	int code = read_body(s, &selector, &given, &body, err);

	if (code != 0)
		return code;
	code = read_networks(s->request, &packed);
	own = strlist_of(&packed);
	if (code == 0)
		code = update_with(s, body, given ? &selector : NULL, &own, err);
	else
		code = err_set(err, code, "own_networks makes no sense");
	if (given)
		selector_release(&selector);
	strbuf_release(&packed);
	return code;
}

static int serve_count(struct served *s, struct err *err)
{
	struct index_counts c;
	int code = index_count(s->ix, &c, err);

	if (code != 0)
		return code;
	json_put_int(s->answer, "rows", (int64_t)c.rows);
	json_put_int(s->answer, "used_bytes", (int64_t)c.used_bytes);
	json_put_int(s->answer, "map_bytes", (int64_t)c.map_bytes);
	json_put_int(s->answer, "file_bytes", (int64_t)c.file_bytes);
	json_put_int(s->answer, "recorded", (int64_t)c.recorded);
	json_put_int(s->answer, "left_out", (int64_t)c.left_out);
	json_put_int(s->answer, "evicted", (int64_t)c.evicted);
	json_put_int(s->answer, "evicted_time", c.evicted_time);
	json_put_int(s->answer, "caught_up", c.caught_up);
	json_put_int(s->answer, "device", (int64_t)c.place.device);
	json_put_int(s->answer, "inode", (int64_t)c.place.inode);
	json_put_text(s->answer, "queue_directory", c.queue_directory);
	json_put_text(s->answer, "hostname", c.hostname);
	return 0;
}

static const struct {
	const char *name;
	int (*serve)(struct served *s, struct err *err);
} requests[] = {
    {"select", serve_select},
    {"names", serve_names},
    {"update", serve_update},
    {"count", serve_count},
};

static size_t find(const struct json *request)
{
	const char *name = json_text(request, "do");
	size_t i = 0;

	while (i < COUNT_OF(requests) && (!name || strcmp(requests[i].name, name) != 0))
		i++;
	return i;
}

bool serve_is_mine(const struct json *request)
{
	return find(request) < COUNT_OF(requests);
}

/* ---- answering */

/* What was put becomes the answer's memory file. */
static int end_out(struct served *s, int *ret_fd, struct err *err)
{
	int fd = s->out.fd;
	size_t len = s->out.len;
	int code = bytes_end_file(&s->out);

	if (code == 0 && len > WIRE_BODY_MAX)
		code = err_set(err, ERR_LIMIT, "an answer would be longer than 1 GiB");
	else if (code == 0 && len > 0)
		code = wire_seal_file(fd);
	if (code != 0 || len == 0)
		io_close(&fd);
	if (code == 0) {
		json_put_int(s->answer, "bytes", (int64_t)len);
		*ret_fd = fd;
	}
	return code;
}

static int answer(struct served *s, int body, int *ret_fd, struct err *err)
{
	size_t which = find(s->request);
	int fd, code = 0;

	if (which == COUNT_OF(requests))
		return err_set(err, ERR_SYNTAX, "no such request");
	if (!s->ix)
		return err_set(err, ERR_NO_INDEX, "the daemon has no index now");
	if (body >= 0)
		code = wire_map(body, &s->body, err);
	if (code != 0)
		return code;
	fd = memfd_create("pqpurge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, errno, "failed to make memory for an answer");
	bytes_in_file(&s->out, fd);
	json_put_bool(s->answer, "ok", true);
	code = requests[which].serve(s, err);
	if (code == 0)
		return end_out(s, ret_fd, err);
	bytes_release(&s->out);
	io_close(&fd);
	return code;
}

void serve(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json **ret_answer, int *ret_fd)
{
	struct served s = {
	    .ix = ix, .request = request, .deadline = deadline, .answer = json_new()};
	struct err err = {{0}};
	int code;

	*ret_fd = -1;
	code = answer(&s, body, ret_fd, &err);
	blob_release(&s.body);
	if (code != 0) {
		json_free(s.answer);
		s.answer = serve_error(code, err.text);
	}
	*ret_answer = s.answer;
}
