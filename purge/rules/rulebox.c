/* SPDX-License-Identifier: ISC */
/* Asking for the rules, and taking over what is said. Of the files: rulebox_files.c. */
#include "purge/rules/rulebox.h"

#include <errno.h>

#include "base/clock.h"
#include "purge/rules/rulebox_files.h"

#define ANSWER_TIMEOUT WIRE_ANSWER_TIME
#define BLOCKED_SIZE                                                                               \
	20000 /* bytes of patterns that one request is asked about, so that it fits                \
	       */

struct json *rulebox_request(const struct rulebox_question *question, size_t from)
{
	const struct ruleset_query *query = question ? question->query : NULL;
	struct json *o = json_new();
	char client[NET_TEXT_SIZE];

	json_put_text(o, "do", "rules");
	json_put_bool(o, "large", true);
	if (from)
		json_put_int(o, "from", (int64_t)from);
	if (query) {
		json_put_text(o, "test", query->address->text);
		if (query->login)
			json_put_text(o, "login", query->login);
		if (query->client)
			json_put_text(o, "client", net_text(query->client, client));
	}
	if (question && question->blocked) {
		struct strbuf packed = {0};

		for (size_t i = 0; i < question->blocked->count && packed.len < BLOCKED_SIZE; i++)
			if (question->blocked->list[i].action != RULE_OK)
				strlist_push(&packed, question->blocked->list[i].subject,
				    strlen(question->blocked->list[i].subject));
		const struct strlist blocked = strlist_of(&packed);
		json_put_list(o, "blocked", &blocked);
		strbuf_release(&packed);
	}
	return o;
}

/* ---- what was said */

static void take_words(const struct json *reply, const char *key, struct err *ret)
{
	const char *words = json_text(reply, key);

	if (words)
		err_set(ret, 0, "%s", words);
}

static int take_damage(const struct json *reply, struct rulebox *box, struct err *err)
{
	int64_t damaged = json_int(reply, "rules_damaged", 0);

	box->damaged = damaged > 0 ? (uint64_t)damaged : 0;
	strbuf_clear(&box->damage);
	for (size_t i = 0; i < json_count(reply, "damage") && i < STORED_TOLD_MAX; i++) {
		const char *words = json_text(json_at(reply, "damage", i), NULL);

		if (words)
			strlist_push(&box->damage, words, strlen(words));
	}
	return box->damage.failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int take_rules(const struct json *reply, struct rulebox *box, struct err *err)
{
	for (size_t i = 0; i < json_count(reply, "rules"); i++) {
		struct rule r;
		int code = rule_of_json(json_at(reply, "rules", i), &r, err);

		if (code < 0)
			return code;
		if (box->command.count + box->file.count >= 2 * RULES_MAX)
			code = err_set(err, ERR_LIMIT, "there are more rules than there can be");
		else
			code = rule_list_add(r.line ? &box->file : &box->command, &r);
		rule_release(&r);
		if (code < 0)
			return code == ERR_LIMIT ? code : err_set(err, code, "out of memory");
	}
	return 0;
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
	int64_t all = json_int(reply, "outranking_count", 0);

	for (size_t i = 0; i < count && i < RULES_OUTRANKING_MAX; i++) {
		const struct json *o = json_at(reply, "outranking", i);
		struct rulebox_outranking *to = &box->outranking[i];
		int code = rule_of_json(json_child(o, "passing"), &to->passing, err);

		if (code < 0)
			return code;
		to->blocked = find_blocked(blocked, json_text(o, "blocked"));
		if (!to->blocked) {
			rule_release(&to->passing);
			return err_set(err, ERR_SYNTAX, "an answer that was not asked for");
		}
		box->outranking_shown = i + 1;
	}
	box->outranking_count =
	    all > (int64_t)box->outranking_shown ? (uint64_t)all : box->outranking_shown;
	return 0;
}

static int take_rule(const struct json *reply, const char *key, struct rule *ret, struct err *err)
{
	const struct json *o = json_child(reply, key);

	return o ? rule_of_json(o, ret, err) : 0;
}

int rulebox_take(const struct json *reply, const struct rulebox_question *question,
    struct rulebox *box, size_t *ret_next, struct err *err)
{
	int64_t next = json_int(reply, "next", 0);
	int code = take_rules(reply, box, err);

	take_words(reply, "rules_error", &box->broken);
	take_words(reply, "rules_stored_error", &box->unsaved);
	if (code == 0)
		code = take_damage(reply, box, err);
	if (code == 0 && question && question->query)
		code = take_rule(reply, "decides", &box->decides, err);
	if (code == 0 && question && question->query)
		code = take_rule(reply, "warned", &box->warned, err);
	if (code == 0 && question && question->blocked)
		code = take_outranking(reply, question->blocked, box, err);
	if (code < 0)
		return err_within(err, code == ERR_SYNTAX ? ERR_CHILD : code,
		    "what is said about the rules makes no sense");
	*ret_next = next > 0 ? (size_t)next : 0;
	return 0;
}

/* ---- asking */

/* Part by part: each begins behind the last. */
static int ask_daemon(const struct index_client *client, const struct rulebox_question *question,
    struct rulebox *box, struct err *err)
{
	size_t from = 0, next = 0;
	int code;

	do {
		struct json *reply = NULL;

		code = client_ask(
		    client, rulebox_request(question, from), ANSWER_TIMEOUT, &reply, err);
		if (code == 0)
			code = rulebox_take(reply, question, box, &next, err);
		json_free(reply);
		if (code < 0)
			return code;
		if (next && next <= from)
			return err_set(err, ERR_CHILD, "the daemon lists its rules in a circle");
		from = next;
	} while (next);
	box->by_daemon = true;
	return 0;
}

int rulebox_read(const struct index_client *client, int64_t wall,
    const struct rulebox_question *question, struct rulebox *ret, struct err *err)
{
	struct err why = {{0}};
	int code;

	*ret = (struct rulebox){0};
	code = ask_daemon(client, question, ret, &why);
	if (code == ERR_TIMEOUT)
		ret->silent = why;
	if (code == ERR_NO_DAEMON || code == ERR_NO_INDEX || code == ERR_TIMEOUT) {
		struct err silent = ret->silent;

		rulebox_release(ret);
		ret->silent = silent;
		return rulebox_read_files(client, wall, question, ret, err);
	}
	return code < 0 ? err_set(err, code, "%s", why.text) : 0;
}

void rulebox_release(struct rulebox *box)
{
	rule_list_release(&box->file);
	rule_list_release(&box->command);
	strbuf_release(&box->damage);
	rule_release(&box->decides);
	rule_release(&box->warned);
	for (size_t i = 0; i < box->outranking_shown; i++)
		rule_release(&box->outranking[i].passing);
	*box = (struct rulebox){0};
}

char *rulebox_origin(const struct settings *settings, const struct rule *r, char *buf, size_t size)
{
	if (r->line)
		snprintf(buf, size, "%s:%u", settings->rules_file, r->line);
	else
		snprintf(buf, size, "command");
	return buf;
}
