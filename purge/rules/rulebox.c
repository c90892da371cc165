/* SPDX-License-Identifier: ISC */
#include "purge/rules/rulebox.h"

#include "base/clock.h"
#include "index/control/status.h"
#include "rules/fleet_rules.h"
#include "rules/ruleset.h"
#include "rules/stored.h"

#define READ_TIME    (60 * USEC_PER_SEC)
#define BLOCKED_SIZE 20000 /* bytes of patterns in a request */

static void put_query(struct json *o, const struct ruleset_query *query)
{
	char client[NET_TEXT_SIZE];

	json_put_text(o, "test", query->address->text);
	json_put_words(o, "login", query->login);
	if (query->client)
		json_put_text(o, "client", net_text(query->client, client));
}

static void put_blocked(struct json *o, const struct rule_list *rules)
{
	struct strbuf packed = {0};

	for (size_t i = 0; i < rules->count && packed.len < BLOCKED_SIZE; i++)
		if (rules->list[i].action != RULE_OK)
			strlist_push(
			    &packed, rules->list[i].subject, strlen(rules->list[i].subject));
	json_put_packed(o, "blocked", &packed);
}

static struct json *request_of(const struct rulebox_question *question, size_t from)
{
	struct json *o = json_request("rules");

	json_put_bool(o, "large", true);
	if (from)
		json_put_int(o, "from", (int64_t)from);
	if (question && question->query)
		put_query(o, question->query);
	if (question && question->blocked)
		put_blocked(o, question->blocked);
	return o;
}

static void take_words(const struct json *reply, const char *key, struct err *ret)
{
	const char *words = json_text(reply, key);

	if (words)
		err_set(ret, 0, "%s", words);
}

static int take_damage(const struct json *reply, struct rulebox *box, struct err *err)
{
	box->damaged = json_unsigned(reply, STATUS_RULES_DAMAGED);
	strbuf_clear(&box->damage);
	json_list(reply, "damage", STORED_TOLD_MAX, &box->damage);
	return box->damage.failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int take_rules(const struct json *reply, struct rulebox *box, struct err *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_count(reply, "rules"); i++) {
		struct rule r;

		if (box->command.count + box->fleet.count + box->file.count >= 2 * RULES_MAX)
			return err_set(err, ERR_LIMIT, "there are too many rules");
		code = rule_of_json(json_at(reply, "rules", i), &r, err);
		if (code < 0)
			return code;
		code = rule_list_add(r.line    ? &box->file
				     : r.fleet ? &box->fleet
					       : &box->command,
		    &r);
		rule_release(&r);
	}
	return code;
}

static const struct rule *find_blocked(const struct rule_list *blocked, const char *subject)
{
	for (size_t i = 0; subject && i < blocked->count; i++)
		if (strcmp(blocked->list[i].subject, subject) == 0)
			return &blocked->list[i];
	return NULL;
}

static int take_outranking(
    const struct json *reply, const struct rule_list *blocked, struct rulebox *box, struct err *err)
{
	size_t count = json_count(reply, "outranking");
	uint64_t all = json_unsigned(reply, "outranking_count");
	int code = 0;

	for (size_t i = 0; code == 0 && i < count && i < RULES_OUTRANKING_MAX; i++) {
		const struct json *o = json_at(reply, "outranking", i);
		struct rule r;

		box->blocked[i] = find_blocked(blocked, json_text(o, "blocked"));
		if (!box->blocked[i])
			return err_set(err, ERR_SYNTAX, "an unexpected answer");
		code = rule_of_json(json_child(o, "passing"), &r, err);
		if (code < 0)
			return code;
		code = rule_list_add(&box->passing, &r);
		rule_release(&r);
	}
	count = box->passing.count;
	box->outranking_count = all > count ? all : count;
	return code;
}

static int take_rule(const struct json *reply, const char *key, struct rule *ret, struct err *err)
{
	const struct json *o = json_child(reply, key);

	return o ? rule_of_json(o, ret, err) : 0;
}

/* *ret_next: where to continue; 0 at the end. ERR_CHILD if malformed. */
static int take(const struct json *reply, const struct rulebox_question *question,
    struct rulebox *box, size_t *ret_next, struct err *err)
{
	int64_t next = json_int(reply, "next", 0);
	int code = take_rules(reply, box, err);

	take_words(reply, STATUS_RULES_ERROR, &box->broken);
	take_words(reply, STATUS_RULES_STORED_ERROR, &box->unsaved);
	code = code ?: take_damage(reply, box, err);
	if (code == 0 && question && question->query)
		code = take_rule(reply, "decides", &box->decides, err);
	if (code == 0 && question && question->query)
		code = take_rule(reply, "warned", &box->warned, err);
	if (code == 0 && question && question->blocked)
		code = take_outranking(reply, question->blocked, box, err);
	if (code < 0)
		return err_within(err, code == ERR_SYNTAX ? ERR_CHILD : code,
		    "the answer about the rules is invalid");
	*ret_next = next > 0 ? (size_t)next : 0;
	return 0;
}

static int ask_daemon(const struct index_client *client, const struct rulebox_question *question,
    struct rulebox *box, struct err *err)
{
	size_t from = 0, next = 0;
	int code;

	do {
		AUTO(json_release) struct json *reply = NULL;

		from = next;
		code =
		    client_ask(client, request_of(question, from), WIRE_ANSWER_TIME, &reply, err);
		code = code ?: take(reply, question, box, &next, err);
		if (code == 0 && next && (next <= from || json_count(reply, "rules") != RULES_PAGE))
			code = err_set(err, ERR_CHILD, "the daemon lists its rules without end");
	} while (code == 0 && next);
	box->by_daemon = code == 0;
	return code;
}

struct reading {
	const struct settings *settings;
	const struct rulebox_question *question;
	int64_t wall;
	struct rule_list file; /* consumed by the child */
	bool no_directory;
};

static struct ruleset *make_set(struct reading *r, struct stored *stored)
{
	struct ruleset *set = ruleset_new(&r->file, &stored->rules, r->settings->login_exact);
	struct rule_list fleet = {0};
	struct ruleset *whole;

	/* a daemon would also go on without unreadable rules */
	if (set && !r->no_directory &&
	    fleet_rules_read(r->settings->state_directory, &fleet, NULL) == 0 && fleet.count) {
		whole = ruleset_with(set, RULE_OF_FLEET, &fleet);
		ruleset_unref(set);
		set = whole;
	}
	if (set && !r->no_directory)
		hits_read(r->settings->state_directory, set);
	return set;
}

/* Makes the answer that the daemon would give, as a blob. *from: where to continue, or 0 at the
 * end. */
static int put_answer(const struct rules_view *view, const struct rulebox_question *question,
    size_t *from, struct bytes *out, struct err *err)
{
	struct json *request = request_of(question, *from), *reply = json_new();
	AUTO(strbuf_release) struct strbuf text = {0};

	*from = 0;
	int code = request ? rules_answer(view, request, reply, from, err) : -ENOMEM;
	json_free(request);
	if (code < 0)
		json_free(reply);
	else
		code = json_write(&text, reply);
	if (code == 0)
		bytes_put_blob(out, text.text, text.len);
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
		code = stored_read(r->settings->state_directory, STORED_FILE, &stored, err);
	if (code < 0)
		return code;
	view.stored = &stored;
	view.set = make_set(r, &stored);
	if (!view.set)
		code = err_set(err, -ENOMEM, "out of memory");
	do {
		code = code ?: put_answer(&view, r->question, &from, out, err);
	} while (code == 0 && from);
	ruleset_unref(view.set);
	stored_release(&stored);
	return code;
}

static int take_all(const struct blob *blob, const struct rulebox_question *question,
    struct rulebox *box, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	int code = 0;

	while (code == 0 && !reader_done(&r)) {
		struct span text = reader_blob(&r);
		AUTO(json_release) struct json *reply = NULL;
		size_t next;

		code = r.failed ? err_set(err, ERR_CHILD, "the rules were handed over in part")
				: json_parse(text.at, text.len, &reply, err);
		code = code ?: take(reply, question, box, &next, err);
	}
	return code;
}

/* Without a state directory there is only the admin's own file, so no child is needed. */
static int answer_here(struct reading *r, struct rulebox *box, struct err *err)
{
	AUTO(bytes_release) struct bytes out = {0};
	int code = answer(r, &out, err);

	if (code == 0 && out.failed)
		code = err_set(err, -ENOMEM, "out of memory");
	if (code == 0)
		code =
		    take_all(&(struct blob){.at = out.at, .len = out.len}, r->question, box, err);
	return code;
}

static int answer_in_child(const struct index_client *client, const struct role *owner,
    struct reading *r, struct rulebox *box, struct err *err)
{
	AUTO(blob_release) struct blob blob = {0};
	int code = role_ask(owner, client->stop, READ_TIME, answer, r, &blob, err);

	return code ?: take_all(&blob, r->question, box, err);
}

static int read_files(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *box, struct err *err)
{
	struct reading r = {.settings = client->settings, .question = question, .wall = wall};
	struct role owner;

	if (rules_file_read(client->settings->rules_file, &r.file, &box->broken) < 0)
		rule_list_release(&r.file);
	int code = role_of_owner(client->settings->state_directory, &owner, err);
	r.no_directory = code == -ENOENT;
	if (r.no_directory)
		code = answer_here(&r, box, err);
	else if (code == 0)
		code = answer_in_child(client, &owner, &r, box, err);
	rule_list_release(&r.file);
	return code;
}

int rulebox_read(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err)
{
	struct err why = {{0}};

	*ret = (struct rulebox){0};
	int code = ask_daemon(client, question, ret, &why);
	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX || code == ERR_TIMEOUT) {
		rulebox_release(ret);
		if (code == ERR_TIMEOUT)
			ret->silent = why;
		return read_files(client, wall, question, ret, err);
	}
	return code < 0 ? err_set(err, code, "%s", why.text) : 0;
}

void rulebox_release(struct rulebox *box)
{
	rule_list_release(&box->file);
	rule_list_release(&box->command);
	rule_list_release(&box->fleet);
	rule_list_release(&box->passing);
	strbuf_release(&box->damage);
	rule_release(&box->decides);
	rule_release(&box->warned);
	*box = (struct rulebox){0};
}

char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size)
{
	if (r->line)
		snprintf(buf, size, "%s:%u", settings->rules_file, r->line);
	else
		snprintf(buf, size, "%s", rule_origin_word(rule_origin(r)));
	return buf;
}
