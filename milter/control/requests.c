/* SPDX-License-Identifier: ISC */
#include "milter/control/requests.h"

#include "base/clock.h"
#include "base/io.h"
#include "index/control/serve.h"

static void ask_index(const struct requests *r, struct control_work *w)
{
	struct index *index = indexkeeper_borrow(r->index);

	serve(index, w->request, w->body, clock_steady() + WIRE_WORK_TIME, &w->answer, &w->file);
	if (index && strcmp(json_text(w->request, "do"), "update") == 0)
		floodkeeper_caught_up(r->floods, index, w->body);
	if (index)
		indexkeeper_give_back(r->index);
}

/* Moves the answer, which it frees, into a memory file. Returns the line that announces it. */
static struct json *put_aside(struct json *answer, int *ret_file)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	struct json *rest = serve_ok();

	if (json_write(&text, answer) == 0)
		*ret_file = io_sealed(text.text, text.len);
	json_put_int(rest, "bytes", (int64_t)text.len);
	if (*ret_file >= 0)
		return rest;
	*ret_file = -1;
	json_free(rest);
	return serve_error(-ENOMEM, "out of memory");
}

/* *ret stays NULL if there is no body. */
static int read_body(const struct control_work *w, struct json **ret, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};

	if (w->body < 0)
		return 0;
	int code = wire_map(w->body, &blob, err);
	return code ?: json_parse((const char *)blob.at, blob.len, ret, err);
}

static int ask(const struct requests *r, const struct control_work *w, const char *what,
    struct json *answer, struct err *err)
{
	AUTO(json_release) struct json *body = NULL;

	if (strcmp(what, "reload") == 0) {
		rulekeeper_reload(r->rules);
		return 0;
	}
	if (strcmp(what, "rules") != 0 && !str_starts(what, "rule-")) {
		indexkeeper_settle(r->index); /* which counts the messages */
		return floodkeeper_answer(r->floods, w->request, answer, err);
	}
	int code = read_body(w, &body, err);
	return code ?: rulekeeper_answer(r->rules, w->request, body, answer, err);
}

static struct json *answer_of(const struct requests *r, struct control_work *w, const char *what)
{
	struct json *answer = serve_ok();
	struct err err = {{0}};
	int code = ask(r, w, what, answer, &err);

	if (code == 0)
		return json_bool(w->request, "large", false) ? put_aside(answer, &w->file) : answer;
	json_free(answer);
	return serve_error(code, err.text);
}

void requests_answer(void *arg, struct control_work *w)
{
	const struct requests *r = arg;
	const char *what = json_text(w->request, "do");

	if (!what)
		w->answer = serve_error(ERR_SYNTAX, "there is no text \"do\" in the request");
	else if (serve_is_mine(w->request))
		ask_index(r, w);
	else
		w->answer = answer_of(r, w, what);
}
