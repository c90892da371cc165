/* SPDX-License-Identifier: ISC */
/* Requests as SQL statements. The server builds the answer: one JSON object in one value. */
#include "fleet/operator.h"

enum kind {
	TEXT = 1, /* SQL null if absent */
	NUMBER,   /* an integer */
	TRUTH,
	JSON, /* any value; SQL null if absent */
};
struct param {
	const char *key;
	enum kind kind;
	bool needed;
};
struct request {
	const char *word;
	const char *sql;
	struct param params[10];
};

/* clang-format off */
#define EPOCH(what) "extract(epoch FROM " what ")::bigint"
#define USEC(what)  "(extract(epoch FROM " what ") * 1000000)::bigint"
#define NOW         "clock_timestamp()"

#define HOSTS \
	"SELECT json_build_object('now', " EPOCH(NOW) ", 'rule_version', f.rule_version, 'hosts', " \
	"coalesce((SELECT json_agg(json_build_object(" \
	"'name', h.name, 'tags', h.tags, " \
	"'seen', " EPOCH("h.seen_at") ", 'age_us', " USEC(NOW " - h.seen_at") ", " \
	"'state', CASE WHEN h.retired_at IS NOT NULL THEN 'retired' " \
	"WHEN h.seen_at IS NULL THEN 'new' " \
	"WHEN h.seen_at > " NOW " - interval '60 s' THEN 'present' ELSE 'absent' END, " \
	"'address', host(h.address), 'agent', h.agent, 'rules', h.rule_version, " \
	"'rules_behind', (SELECT count(*) FROM fleet_rule r WHERE r.version > h.rule_version), " \
	"'health', h.health, " \
	"'open', (SELECT count(*) FROM fleet_result r JOIN fleet_order o ON o.id = r.order_id " \
	"WHERE r.host = h.name AND r.state IN ('pending', 'running') AND " \
	"o.cancelled_at IS NULL AND o.expires_at > " NOW ")) ORDER BY h.name) " \
	"FROM fleet_host h), '[]'::json)) FROM fleet f"

/* A result that did not begin in time counts as expired, even before its row says so. */
#define RESULTS \
	"coalesce((SELECT json_agg(json_build_object(" \
	"'host', r.host, " \
	"'state', CASE WHEN r.state = 'pending' AND o.cancelled_at IS NOT NULL THEN 'cancelled' " \
	"WHEN r.state = 'pending' AND o.expires_at <= " NOW " THEN 'expired' ELSE r.state END, " \
	"'attempt', r.attempt, 'progress', r.progress, 'total', r.total, 'exit', r.exit_status, " \
	"'batch', r.batch, 'summary', r.summary, 'words', r.words, " \
	"'seen_us', " USEC(NOW " - h.seen_at") ", " \
	"'age_us', " USEC("r.finished_at - o.placed_at") ") ORDER BY r.host) " \
	"FROM fleet_result r JOIN fleet_host h ON h.name = r.host " \
	"WHERE r.order_id = o.id), '[]'::json)"

#define ORDER_MEMBERS \
	"'order', o.id, 'placed', " EPOCH("o.placed_at") ", 'placed_by', o.placed_by, " \
	"'verb', o.verb, 'dry_run', o.dry_run, 'reason', o.reason, " \
	"'expires', " EPOCH("o.expires_at") ", 'cancelled', o.cancelled_at IS NOT NULL, " \
	"'token', o.token, 'spec', o.spec, " \
	"'states', coalesce((SELECT json_object_agg(s.state, s.n) FROM " \
	"(SELECT state, count(*) n FROM fleet_result r WHERE r.order_id = o.id GROUP BY state) s), " \
	"'{}'::json)"

#define LIST_OF(param) \
	"CASE WHEN " param "::json IS NULL THEN NULL ELSE " \
	"ARRAY(SELECT json_array_elements_text(" param "::json)) END"

static const struct request requests[] = {
    {"hosts", HOSTS, {{0}}},
    {"place",
	"SELECT json_build_object('hosts', coalesce(json_agg(json_build_object("
	"'name', host, 'seen_us', seen_us)), '[]'::json)) "
	"FROM fleet_place($1::uuid, $2, $3::bool, $4::json, $5, "
	"make_interval(secs => $6::bigint), " LIST_OF("$7") ", $8::json, "
	"make_interval(secs => $9::bigint))",
	{{"token", TEXT, true}, {"verb", TEXT, true}, {"dry_run", TRUTH, false},
	    {"spec", JSON, true}, {"reason", TEXT, false}, {"expire_s", NUMBER, true},
	    {"hosts", JSON, false}, {"rules", JSON, false}, {"rules_for_s", NUMBER, false}}},
    {"results",
	"SELECT json_build_object('order', o.id, 'verb', o.verb, 'dry_run', o.dry_run, "
	"'cancelled', o.cancelled_at IS NOT NULL, 'expired', o.expires_at <= " NOW ", "
	"'results', " RESULTS ") FROM fleet_order o WHERE o.id = $1::bigint",
	{{"order", NUMBER, true}}},
    {"parts",
	"SELECT json_build_object('lines', p.body, 'last', NOT EXISTS (SELECT FROM fleet_part q "
	"WHERE q.order_id = $1::bigint AND q.host = $2 AND q.part > $3::int)) FROM (SELECT "
	"coalesce((SELECT body FROM fleet_part WHERE order_id = $1::bigint AND host = $2 AND "
	"part = $3::int), '[]'::json) AS body) p",
	{{"order", NUMBER, true}, {"host", TEXT, true}, {"part", NUMBER, true}}},
    {"rule",
	"SELECT json_build_object('rule_version', fleet_set_rule($1, $2, $3, $4, "
	"make_interval(secs => $5::bigint)))",
	{{"subject", TEXT, true}, {"action", TEXT, false}, {"text", TEXT, false},
	    {"reason", TEXT, false}, {"for_s", NUMBER, false}}},
    {"rules",
	"SELECT json_build_object('rules', coalesce((SELECT json_agg(json_build_object("
	"'subject', subject, 'action', action, 'text', text, 'reason', reason, 'set_by', set_by, "
	"'set', " EPOCH("set_at") ", 'expires', " EPOCH("expires_at") ", 'version', version) "
	"ORDER BY version) FROM fleet_rule WHERE action IS NOT NULL AND "
	"(expires_at IS NULL OR expires_at > " NOW ")), '[]'::json))",
	{{0}}},
    {"orders",
	"SELECT json_build_object('orders', coalesce((SELECT json_agg(json_build_object("
	ORDER_MEMBERS ") ORDER BY o.id DESC) FROM (SELECT * FROM fleet_order ORDER BY id DESC "
	"LIMIT least(coalesce($1::bigint, 50), 1000)) o), '[]'::json))",
	{{"limit", NUMBER, false}}},
    {"order",
	"SELECT json_build_object(" ORDER_MEMBERS ", 'results', " RESULTS ", "
	"'events', coalesce((SELECT json_agg(json_build_object('at', " EPOCH("e.at") ", "
	"'actor', e.actor, 'kind', e.kind, 'host', e.host, 'detail', e.detail) ORDER BY e.id) "
	"FROM (SELECT * FROM fleet_event WHERE order_id = $1::bigint ORDER BY id LIMIT 2000) e), "
	"'[]'::json)) FROM fleet_order o WHERE o.id = $1::bigint",
	{{"order", NUMBER, true}}},
    {"cancel",
	"SELECT json_build_object('cancelled', cancelled, 'running', running) "
	"FROM fleet_cancel($1::bigint, $2)",
	{{"order", NUMBER, true}, {"reason", TEXT, false}}},
    {"tags",
	"SELECT json_build_object('hosts', coalesce((SELECT json_agg(name ORDER BY name) "
	"FROM fleet_host WHERE retired_at IS NULL AND tags && (" LIST_OF("$1") ")), '[]'::json))",
	{{"tags", JSON, true}}},
};
/* clang-format on */

struct values {
	struct strbuf text[COUNT_OF(requests[0].params)];
	const char *list[COUNT_OF(requests[0].params)];
	int count;
};

static void release(struct values *v)
{
	for (int n = 0; n < v->count; n++)
		strbuf_release(&v->text[n]);
}

static bool take_number(const struct json *o, const char *key, struct strbuf *ret)
{
	int64_t number = json_int(o, key, INT64_MIN);

	if (number != INT64_MIN)
		strbuf_printf(ret, "%" PRId64, number);
	return number != INT64_MIN;
}

/* Whether the member exists and has the right type. */
static bool take(const struct json *o, const struct param *p, struct strbuf *ret)
{
	if (p->kind == NUMBER)
		return take_number(o, p->key, ret);
	if (p->kind == TRUTH) {
		strbuf_puts(ret, json_bool(o, p->key, false) ? "true" : "false");
		return true;
	}
	if (p->kind == JSON)
		return json_child(o, p->key) && json_member_text(o, p->key, ret) == 0;
	if (!json_text(o, p->key))
		return false;
	strbuf_puts(ret, json_text(o, p->key));
	return true;
}

static int fill(const struct json *o, const struct request *r, struct values *v, struct err *err)
{
	for (size_t n = 0; n < COUNT_OF(r->params) && r->params[n].key; n++) {
		bool there = take(o, &r->params[n], &v->text[n]);

		v->count++;
		if (!there && r->params[n].needed)
			return err_set(err, ERR_USAGE, "the request '%s' needs '%s'", r->word,
			    r->params[n].key);
		if (v->text[n].failed)
			return err_set(err, -ENOMEM, "out of memory");
		v->list[n] = there ? strbuf_text(&v->text[n]) : NULL;
	}
	return 0;
}

int operator_await(struct operator_side *o, struct err *err)
{
	int code = pg_await_answer(o->pg, err);

	if (code < 0)
		return code;
	snprintf(o->sqlstate, sizeof(o->sqlstate), "%s", pg_sqlstate(o->pg));
	return o->sqlstate[0] ? err_set(err, ERR_REFUSED, "%s", pg_words(o->pg)) : 0;
}

int operator_ask(
    struct operator_side *o, const char *sql, const char *const *params, int count, struct err *err)
{
	o->sqlstate[0] = '\0';
	int code = pg_ask(o->pg, sql, params, count, err);

	return code ?: operator_await(o, err);
}

static int read_answer(struct pg *pg, const struct request *r, struct json **ret, struct err *err)
{
	const char *text = pg_value(pg, 0, 0);

	if (!text)
		return err_set(err, ERR_USAGE, "there is no such %s", r->word);
	int code = json_parse(text, strlen(text), ret, err);
	if (code == 0)
		*ret = json_reopen(*ret);
	return code == 0 && !*ret ? err_set(err, -ENOMEM, "out of memory") : code;
}

static int run_statement(struct operator_side *o, const struct request *r,
    const struct json *request, struct json **ret, struct err *err)
{
	struct values v = {.count = 0};
	int code = fill(request, r, &v, err);

	code = code ?: operator_ask(o, r->sql, v.list, v.count, err);
	code = code ?: read_answer(o->pg, r, ret, err);
	release(&v);
	return code;
}

static int run_connect(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	const char *conninfo = json_text(request, "fleet");
	int code;

	if (!conninfo || !*conninfo)
		return err_set(err, ERR_USAGE, "there is no fleet: 'fleet' is not set");
	pg_close(o->pg);
	o->pg = NULL;
	for (unsigned turn = 0; turn < 2; turn++) {
		code = pg_open(conninfo, NULL, turn, &o->pg, err);
		code = code ?: pg_await_connection(o->pg, err);
		if (code != ERR_TIMEOUT)
			break;
		pg_close(o->pg);
		o->pg = NULL;
	}
	if (code < 0)
		return code;
	*ret = json_new();
	json_put_text(*ret, "user", pg_user(o->pg));
	return 0;
}

/* Without a schema the version is 0. Tidying up is optional, and fails for a role without that
 * right. */
static int greet(struct operator_side *o, struct json *ret, struct err *err)
{
	int code = operator_ask(
	    o, "SELECT id, (SELECT max(version) FROM fleet_version) FROM fleet", NULL, 0, err);

	if (code < 0 && code != ERR_REFUSED)
		return code;
	json_put_text(ret, "fleet", code == 0 ? pg_value(o->pg, 0, 0) : NULL);
	json_put_int(ret, "version", code == 0 ? pg_number(o->pg, 0, 1) : 0);
	code = operator_ask(o, "SELECT fleet_trim()", NULL, 0, err);
	return code == ERR_REFUSED ? 0 : code;
}

static int run_add(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	static const char *const words[] = {"host", "operator", "reader"};
	static const char *const groups[] = {NULL, "pqpurge_operator", "pqpurge_reader"};
	const char *as = json_text(request, "as"), *params[2] = {json_text(request, "name")};
	struct strbuf tags = {0};
	size_t n = 0;

	while (as && n < COUNT_OF(words) && strcmp(words[n], as) != 0)
		n++;
	if (!params[0] || n == COUNT_OF(words))
		return err_set(
		    err, ERR_USAGE, "'add' needs a name, and 'host', 'operator' or 'reader'");
	if (json_child(request, "tags") && json_member_text(request, "tags", &tags) == 0)
		params[1] = tags.text;
	params[1] = n > 0 ? groups[n] : params[1];
	int code = operator_ask(o,
	    n > 0 ? "SELECT fleet_add_person($1, $2)"
		  : "SELECT fleet_add_host($1, " LIST_OF("$2") ")",
	    params, 2, err);
	strbuf_release(&tags);
	*ret = code == 0 ? json_new() : NULL;
	return code;
}

static int run_retire(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	const char *name = json_text(request, "name");
	int code = name ? 0 : err_set(err, ERR_USAGE, "the request 'retire' needs 'name'");

	code = code ?: operator_ask(o, "SELECT fleet_bar($1)", &name, 1, err);
	const int64_t ended = code == 0 ? pg_number(o->pg, 0, 0) : 0;
	code = code ?: operator_ask(o, "SELECT fleet_retire_host($1)", &name, 1, err);
	if (code < 0)
		return code;
	*ret = json_new();
	json_put_int(*ret, "ended", ended + pg_number(o->pg, 0, 0));
	return 0;
}

/* An order to no host has no rows, so its number is asked for separately. */
static int run_place(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	const char *token = json_text(request, "token");
	const struct request *r = requests;

	while (strcmp(r->word, "place") != 0)
		r++;
	int code = run_statement(o, r, request, ret, err);
	if (code == 0)
		code = operator_ask(o,
		    "SELECT id, rule_version FROM fleet_order WHERE token = $1::uuid", &token, 1,
		    err);
	if (code < 0)
		return code;
	json_put_int(*ret, "order", pg_number(o->pg, 0, 0));
	json_put_int(*ret, "rule_version", pg_number(o->pg, 0, 1));
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct operator_side *o, const struct json *request, struct json **ret,
	    struct err *err);
} doings[] = {{"init", init_run}, {"add", run_add}, {"retire", run_retire}, {"place", run_place}};

static int dispatch(struct operator_side *o, const char *word, const struct json *request,
    struct json **ret, struct err *err)
{
	for (size_t n = 0; n < COUNT_OF(doings); n++)
		if (strcmp(doings[n].word, word) == 0)
			return doings[n].run(o, request, ret, err);
	for (size_t n = 0; n < COUNT_OF(requests); n++)
		if (strcmp(requests[n].word, word) == 0)
			return run_statement(o, &requests[n], request, ret, err);
	return err_set(err, ERR_USAGE, "there is no request '%s'", word);
}

int request_run(
    struct operator_side *o, const struct json *request, struct json **ret, struct err *err)
{
	const char *word = json_text(request, "do");
	int code;

	if (!word)
		return err_set(err, ERR_USAGE, "the request has no 'do'");
	if (strcmp(word, "connect") == 0) {
		code = run_connect(o, request, ret, err);
		code = code ?: greet(o, *ret, err);
	} else if (!o->pg) {
		return err_set(err, ERR_USAGE, "not connected");
	} else {
		code = dispatch(o, word, request, ret, err);
	}
	if (code < 0) {
		json_free(*ret);
		*ret = NULL;
	}
	if (code == ERR_TIMEOUT || code == -ECONNRESET) {
		pg_close(o->pg);
		o->pg = NULL;
	}
	return code;
}
