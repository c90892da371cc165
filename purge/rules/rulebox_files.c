/* SPDX-License-Identifier: ISC */
/* The rules as the files have them: a child makes a set of them and answers as the daemon would. */
#include "purge/rules/rulebox_files.h"

#include <errno.h>

#include "base/clock.h"
#include "rules/hits.h"

#define READ_TIME (60 * USEC_PER_SEC)

/* What the child works on. */
struct reading {
	const struct settings *settings;
	const struct rulebox_question *question;
	int64_t wall;
	struct rule_list file; /* the child's copy, which it uses up */
	bool no_directory;     /* there is no state directory */
};

static struct ruleset *make_set(struct reading *r, struct stored *stored)
{
	struct ruleset *set = ruleset_new(&r->file, &stored->rules, r->settings->login_exact);

	if (set && !r->no_directory)
		hits_read(r->settings->state_directory, set);
	return set;
}

/* One request, as it would go to the daemon. */
static int read_request(
    const struct rulebox_question *question, size_t from, struct json **ret, struct err *err)
{
	struct strbuf text = {0};
	int code = json_write(&text, rulebox_request(question, from));

	if (code == 0)
		code = json_parse(text.text, text.len, ret, err);
	strbuf_release(&text);
	return code;
}

/* Puts one answer out as a blob; *from becomes the place to go on at, 0 at the end. */
static int put_answer(const struct rules_view *view, const struct rulebox_question *question,
    size_t *from, struct bytes *out, struct err *err)
{
	struct json *request = NULL, *reply = json_new();
	struct strbuf text = {0};
	int code = read_request(question, *from, &request, err);
	size_t next = 0;

	if (code == 0)
		code = rules_answer(view, request, reply, &next, err);
	json_free(request);
	if (code == 0)
		code = json_write(&text, reply);
	else
		json_free(reply);
	if (code == 0)
		bytes_put_blob(out, text.text, text.len);
	strbuf_release(&text);
	*from = next;
	return code;
}

static int answer(void *arg, struct bytes *out, struct err *err)
{
	struct reading *r = arg;
	struct stored stored = {0};
	struct rules_view view = {.rules_file = r->settings->rules_file,
	    .login_exact = r->settings->login_exact,
	    .wall = r->wall};
	size_t from = 0;
	int code = 0;

	if (!r->no_directory)
		code = stored_read(r->settings->state_directory, &stored, err);
	if (code < 0)
		return code;
	view.damaged = stored.damaged;
	view.damage = strlist_of(&stored.told);
	view.set = make_set(r, &stored);
	if (!view.set)
		code = err_set(err, -ENOMEM, "out of memory");
	do {
		if (code == 0)
			code = put_answer(&view, r->question, &from, out, err);
	} while (code == 0 && from);
	ruleset_unref(view.set);
	stored_release(&stored);
	return code;
}

/* Takes over what the child put out. */
static int take_all(const struct blob *blob, const struct rulebox_question *question,
    struct rulebox *box, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	int code = 0;

	while (code == 0 && !reader_done(&r)) {
		struct span text = reader_blob(&r);
		struct json *reply = NULL;
		size_t next;

		code = r.failed ? err_set(err, ERR_CHILD, "the rules were handed over in part")
				: json_parse(text.at, text.len, &reply, err);
		if (code == 0)
			code = rulebox_take(reply, question, box, &next, err);
		json_free(reply);
	}
	return code;
}

/* Without a state directory nothing is read but the admin's own file, and that was read here. */
static int answer_here(struct reading *r, struct rulebox *box, struct err *err)
{
	struct bytes out = {0};
	int code = answer(r, &out, err);

	if (code == 0)
		code = out.failed ? err_set(err, -ENOMEM, "out of memory")
				  : take_all(&(struct blob){.at = out.at, .len = out.len},
					r->question, box, err);
	bytes_release(&out);
	return code;
}

static int answer_in_child(const struct index_client *client, const struct role *owner,
    struct reading *r, struct rulebox *box, struct err *err)
{
	struct role_child child = {.stop = client->stop};
	struct blob blob = {0};
	int code = role_ask(owner, &child, READ_TIME, answer, r, &blob, err);
	if (code == 0)
		code = take_all(&blob, r->question, box, err);
	blob_release(&blob);
	return code;
}

int rulebox_read_files(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *box, struct err *err)
{
	struct reading r = {.settings = client->settings, .question = question, .wall = wall};
	struct role owner;
	int code;

	if (rules_file_read(client->settings->rules_file, &r.file, &box->broken) < 0)
		rule_list_release(&r.file);
	code = role_of_owner(client->settings->state_directory, &owner, err);
	r.no_directory = code == -ENOENT;
	if (r.no_directory)
		code = answer_here(&r, box, err);
	else if (code == 0)
		code = answer_in_child(client, &owner, &r, box, err);
	rule_list_release(&r.file);
	return code;
}
