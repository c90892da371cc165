/* SPDX-License-Identifier: ISC */
#include "index/control/serve.h"

#include "base/clock.h"
#include "base/io.h"

struct work {
	struct index *ix;
	const struct json *request;
	struct span body;                /* after its selector, once that is read */
	const struct selector *selector; /* NULL: none */
	int64_t deadline;
	struct bytes *out;
	struct served *ret;
};

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

struct json *serve_ok(void)
{
	struct json *o = json_new();

	json_put_bool(o, "ok", true);
	return o;
}

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

void serve_body(const struct selector *selector, struct bytes *out)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	if (selector && json_write(&text, wire_selector(selector)) != 0)
		out->failed = true;
	bytes_put_blob(out, strbuf_text(&text), text.len);
}

/* The caller releases *ret if it becomes w->selector. */
static int read_selector(struct work *w, struct selector *ret, struct err *err)
{
	struct reader r = reader_of(w->body.at, w->body.len);
	struct span text = reader_blob(&r);
	AUTO(json_release) struct json *o = NULL;

	if (r.failed)
		return err_set(err, ERR_SYNTAX, "a request came without its body");
	w->body = (struct span){.at = r.at, .len = (size_t)(r.end - r.at)};
	if (text.len == 0)
		return 0;
	int code = json_parse(text.at, text.len, &o, err);
	code = code ?: wire_selector_read(o, ret, err);
	w->selector = code == 0 ? ret : NULL;
	return code;
}

static int serve_select(struct work *w, struct err *err)
{
	if (!w->selector)
		return err_set(err, ERR_SYNTAX, "a selection needs a selector");
	w->ret->counts.changes = index_changes(w->ix);
	return index_find(w->ix, w->selector, w->deadline, w->out, err);
}

static int serve_names(struct work *w, struct err *err)
{
	int code = index_count(w->ix, &w->ret->counts, err);

	code = code != 0 ? code : index_names(w->ix, w->deadline, w->out, err);
	w->ret->counts.changes = index_changes(w->ix);
	return code;
}

static int serve_update(struct work *w, struct err *err)
{
	AUTO(strbuf_release) struct strbuf packed = {0};
	AUTO(bytes_release) struct bytes none = {0};
	struct strlist own;

	json_list(w->request, "own_networks", SIZE_MAX, &packed);
	own = strlist_of(&packed);
	if (packed.failed)
		return err_sys(err, ENOMEM, "failed to update the index");
	return index_update(w->ix, w->body, w->selector, &own, w->deadline,
	    w->selector ? w->out : &none, &w->ret->updated, err);
}

static int serve_count(struct work *w, struct err *err)
{
	return index_count(w->ix, &w->ret->counts, err);
}

#define LIKE_MAX 255 /* bytes */

static int read_question(const struct json *request, struct census_question *ret, struct err *err)
{
	const char *by = json_text(request, "by");
	int64_t limit = json_int(request, "limit", CENSUS_LIST);

	*ret = (struct census_question){.like = json_words(request, "like"),
	    .login_exact = json_bool(request, "login_exact", false),
	    .now = clock_wall()};
	if (!by || group_kind_of(by, &ret->kind) != 0)
		return err_set(err, ERR_SYNTAX, "groups need a \"by\" that top knows");
	if (limit < 0 || limit > CENSUS_LIST || strlen(ret->like) > LIKE_MAX)
		return err_set(err, ERR_SYNTAX, "the limit or the text in names is invalid");
	ret->limit = (size_t)limit;
	return 0;
}

static int serve_groups(struct work *w, struct err *err)
{
	struct census_question q;
	AUTO(strbuf_release) struct strbuf text = {0};
	struct json *answer = NULL;
	struct index_counts counts;
	int code = read_question(w->request, &q, err);

	code = code ?: index_count(w->ix, &counts, err);
	code = code ?: index_groups(w->ix, &q, w->deadline, &answer, err);
	if (code != 0)
		return code;
	json_put_int(answer, "now", q.now);
	json_put_int(answer, "caught_up", counts.caught_up);
	code = json_write(&text, answer);
	bytes_put(w->out, strbuf_text(&text), text.len);
	return code < 0 ? err_sys(err, ENOMEM, "failed to tell the groups") : 0;
}

enum { SELECT = 1u << 0, NAMES = 1u << 1, UPDATE = 1u << 2, COUNT = 1u << 3, GROUPS = 1u << 4 };

static const struct request {
	const char *name;
	unsigned bit;
	int (*serve)(struct work *w, struct err *err);
} requests[] = {
    {"select", SELECT, serve_select},
    {"names", NAMES, serve_names},
    {"update", UPDATE, serve_update},
    {"count", COUNT, serve_count},
    {"groups", GROUPS, serve_groups},
};

static const struct field {
	const char *name;
	unsigned requests;
	size_t at, size; /* in struct served; size 0: a 64-bit number, otherwise a text */
} fields[] = {
/* A member's name cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define NUMBER(requests, group, member)                                                            \
	{                                                                                          \
#member, requests, offsetof(struct served, group.member), 0                        \
	}
#define TEXT(requests, member)                                                                     \
	{                                                                                          \
#member, requests, offsetof(struct served, counts.member),                         \
		    sizeof(((struct served *)0)->counts.member)                                    \
	}
    /* NOLINTEND(bugprone-macro-parentheses) */
    NUMBER(UPDATE, updated, completed),
    NUMBER(UPDATE, updated, added),
    NUMBER(UPDATE, updated, dropped),
    NUMBER(UPDATE, updated, silent),
    NUMBER(COUNT, counts, rows),
    NUMBER(COUNT, counts, used_bytes),
    NUMBER(COUNT, counts, map_bytes),
    NUMBER(COUNT, counts, file_bytes),
    NUMBER(COUNT, counts, recorded),
    NUMBER(COUNT, counts, left_out),
    NUMBER(COUNT, counts, evicted),
    NUMBER(COUNT, counts, evicted_time),
    NUMBER(COUNT, counts, caught_up),
    NUMBER(SELECT | NAMES, counts, changes),
    {"device", COUNT, offsetof(struct served, counts.place.device), 0},
    {"inode", COUNT, offsetof(struct served, counts.place.inode), 0},
    TEXT(NAMES | COUNT, queue_directory),
    TEXT(COUNT, hostname),
#undef NUMBER
#undef TEXT
};

static const struct request *find(const struct json *request)
{
	const char *name = json_text(request, "do");

	for (size_t i = 0; name && i < COUNT_OF(requests); i++)
		if (strcmp(requests[i].name, name) == 0)
			return &requests[i];
	return NULL;
}

bool serve_is_mine(const struct json *request)
{
	return find(request) != NULL;
}

static void put_fields(unsigned request, const struct served *from, struct json *answer)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const char *at = (const char *)from + fields[i].at;
		int64_t number;

		if (!(fields[i].requests & request))
			continue;
		memcpy(&number, at, sizeof number);
		if (fields[i].size > 0)
			json_put_text(answer, fields[i].name, at);
		else
			json_put_int(answer, fields[i].name, number);
	}
}

void serve_read(const struct json *answer, struct served *ret)
{
	*ret = (struct served){0};
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		char *at = (char *)ret + fields[i].at;
		const char *text = json_text(answer, fields[i].name);
		int64_t number = json_int(answer, fields[i].name, 0);

		if (fields[i].size > 0)
			(void)snprintf(at, fields[i].size, "%s", text ? text : "");
		else
			memcpy(at, &number, sizeof number);
	}
}

int serve_here(struct index *ix, const struct json *request, struct span body, int64_t deadline,
    struct bytes *out, struct served *ret, struct err *err)
{
	const struct request *which = find(request);
	struct work w = {.ix = ix,
	    .request = request,
	    .body = body,
	    .deadline = deadline,
	    .out = out,
	    .ret = ret};
	struct selector selector;
	size_t start = out->len;
	int code = 0;

	*ret = (struct served){0};
	if (!which)
		return err_set(err, ERR_SYNTAX, "no such request");
	if (!ix)
		return err_set(err, ERR_NO_INDEX, "the daemon has no index now");
	if (which->bit & (SELECT | UPDATE))
		code = read_selector(&w, &selector, err);
	code = code ?: which->serve(&w, err);
	if (w.selector)
		selector_release(&selector);
	if (code == 0 && out->len - start > WIRE_BODY_MAX)
		code = err_set(err, ERR_LIMIT, "an answer would be longer than 1 GiB");
	return code;
}

static int answer(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json *ret, int *ret_fd, struct err *err)
{
	AUTO(blob_release) struct blob mapped = {0};
	struct served served;
	AUTO(bytes_release) struct bytes out = {0};
	int code = body >= 0 ? wire_map(body, &mapped, err) : 0;

	if (code == 0)
		code = serve_here(ix, request, (struct span){mapped.at, mapped.len}, deadline, &out,
		    &served, err);
	if (code == 0 && out.failed)
		code = -ENOMEM;
	if (code == 0 && out.len > 0) {
		*ret_fd = io_sealed(out.at, out.len);
		code = *ret_fd < 0 ? *ret_fd : 0;
	}
	if (code == 0) {
		put_fields(find(request)->bit, &served, ret);
		json_put_int(ret, "bytes", (int64_t)out.len);
	}
	return code;
}

void serve(struct index *ix, const struct json *request, int body, int64_t deadline,
    struct json **ret_answer, int *ret_fd)
{
	struct err err = {{0}};
	int code;

	*ret_fd = -1;
	*ret_answer = serve_ok();
	code = answer(ix, request, body, deadline, *ret_answer, ret_fd, &err);
	if (code < 0) {
		json_free(*ret_answer);
		*ret_answer = serve_error(code, err.text);
	}
}
