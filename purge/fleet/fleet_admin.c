/* SPDX-License-Identifier: ISC */
/* fleet hosts, orders, order, cancel, init, add, retire. */

#include "base/clock.h"
#include "purge/fleet/fleet_floods.h"
#include "purge/fleet/fleet_order.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"

#define ORDERS_SHOWN 50

static char *time_text(const struct json *o, const char *key, char *buf, size_t size)
{
	int64_t seconds = json_int(o, key, 0);

	buf[0] = '\0';
	return seconds > 0 ? clock_text(seconds * USEC_PER_SEC, buf, size) : buf;
}

static int put_lines(const struct json *answer, const char *key)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < json_count(answer, key); n++)
		code = json_line(stdout, json_duplicate(json_at(answer, key, n)));
	return code;
}

static int host_json(const struct json *host)
{
	static const char *const numbers[] = {"seen", "rules_behind", "open"};
	const struct json *health = json_child(host, "health");
	struct json *o = json_new();
	struct strbuf tags = {0};

	json_put_text(o, "name", json_text(host, "name"));
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		if (json_int(host, numbers[n], -1) >= 0)
			json_put_int(o, numbers[n], json_int(host, numbers[n], 0));
	json_put_text(o, "state", json_text(host, "state"));
	json_put_text(o, "version", json_text(health, "version"));
	if (json_int(health, "queued", -1) >= 0)
		json_put_int(o, "queued", json_int(health, "queued", 0));
	json_put_words(o, "trouble", json_words(health, "trouble"));
	json_list(host, "tags", SIZE_MAX, &tags);
	if (tags.len || tags.failed)
		json_put_packed(o, "tags", &tags);
	fleet_floods_put(o, health);
	return json_line(stdout, o);
}

static void host_row(struct table *t, const struct json *host)
{
	const struct json *health = json_child(host, "health");
	int64_t behind = json_int(host, "rules_behind", 0), open = json_int(host, "open", 0);
	char seen[64], queued[32] = "", rules[32] = "", orders[32] = "";
	AUTO(strbuf_release) struct strbuf trouble = {0};

	fleet_seen_text(json_int(host, "age_us", -1), seen, sizeof(seen));
	if (json_int(health, "queued", -1) >= 0)
		snprintf(queued, sizeof(queued), "%" PRId64, json_int(health, "queued", 0));
	if (behind > 0)
		snprintf(rules, sizeof(rules), "%" PRId64 " behind", behind);
	if (open > 0)
		snprintf(orders, sizeof(orders), "%" PRId64, open);
	strbuf_puts(&trouble, json_words(health, "trouble"));
	fleet_floods_words(&trouble, health);
	table_add(
	    t, (const char *[]){json_words(host, "name"), json_words(host, "state"), seen,
		   json_words(health, "version"), rules, queued, orders, strbuf_text(&trouble)});
	if (strcmp(json_words(host, "state"), "present") != 0)
		table_color(t, 1, "yellow");
}

static int tell_hosts(struct fleet *f, const struct json *answer)
{
	static const struct table_column columns[] = {{.name = "HOST"}, {.name = "STATE"},
	    {.name = "SEEN"}, {.name = "VERSION"}, {.name = "RULES"},
	    {.name = "QUEUED", .right = true}, {.name = "ORDERS", .right = true},
	    {.name = "TROUBLE", .cut = true}};
	int code = 0;

	if (f->s->options.json) {
		for (size_t n = 0; code == 0 && n < json_count(answer, "hosts"); n++)
			code = host_json(json_at(answer, "hosts", n));
		return code;
	}
	struct table *t = table_new(stdout, columns, COUNT_OF(columns));
	for (size_t n = 0; n < json_count(answer, "hosts"); n++)
		host_row(t, json_at(answer, "hosts", n));
	return table_end(t);
}

/* EXIT_SOME_FAILED if a host is absent or in trouble. */
static int judge_hosts(const struct json *answer)
{
	for (size_t n = 0; n < json_count(answer, "hosts"); n++) {
		const struct json *host = json_at(answer, "hosts", n);
		const char *state = json_words(host, "state");

		if (strcmp(state, "absent") == 0 ||
		    (strcmp(state, "present") == 0 &&
			*json_words(json_child(host, "health"), "trouble")))
			return EXIT_SOME_FAILED;
	}
	return EXIT_DONE;
}

static int hosts(struct fleet *f, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = fleet_link_ask(&f->sites[0].link, json_request("hosts"), &answer, err);

	code = code ?: session_written(tell_hosts(f, answer), err);
	if (code == 0)
		fleet_floods_alert(answer);
	return code ?: judge_hosts(answer);
}

static void put_states(struct strbuf *to, const struct json *order)
{
	const struct json *states = json_child(order, "states"), *value;
	const char *key;
	void *at = NULL;

	while (json_next(states, &at, &key, &value))
		strbuf_printf(
		    to, "%s%s %" PRId64, to->len ? ", " : "", key, json_int(value, NULL, 0));
	if (json_bool(order, "cancelled", false))
		strbuf_printf(to, "%scancelled", to->len ? "; " : "");
}

static void order_row(struct table *t, const struct json *order)
{
	char placed[CLOCK_TEXT_SIZE], number[32], verb[64];
	AUTO(strbuf_release) struct strbuf states = {0};

	snprintf(number, sizeof(number), "%" PRId64, json_int(order, "order", 0));
	snprintf(verb, sizeof(verb), "%.30s%s", json_words(order, "verb"),
	    json_bool(order, "dry_run", false) ? " (dry run)" : "");
	put_states(&states, order);
	table_add(t, (const char *[]){number, time_text(order, "placed", placed, sizeof(placed)),
			 json_words(order, "placed_by"), verb, strbuf_text(&states),
			 json_words(order, "reason")});
}

static int orders(struct fleet *f, struct err *err)
{
	static const struct table_column columns[] = {{.name = "ORDER", .right = true},
	    {.name = "PLACED"}, {.name = "BY"}, {.name = "VERB"}, {.name = "HOSTS"},
	    {.name = "REASON", .cut = true}};
	size_t limit = f->s->options.limit ? f->s->options.limit : ORDERS_SHOWN;
	AUTO(json_release) struct json *answer = NULL;
	struct json *request = json_request("orders");
	struct table *t;

	json_put_int(request, "limit", (int64_t)limit);
	int code = fleet_link_ask(&f->sites[0].link, request, &answer, err);
	if (code == 0 && f->s->options.json) {
		code = put_lines(answer, "orders");
	} else if (code == 0) {
		t = table_new(stdout, columns, COUNT_OF(columns));
		for (size_t n = 0; n < json_count(answer, "orders"); n++)
			order_row(t, json_at(answer, "orders", n));
		code = table_end(t);
	}
	return session_written(code, err);
}

static int read_number(const struct options *o, int64_t *ret, struct err *err)
{
	uint64_t number;

	if (o->word_count != 2 || str_parse_u64(o->words[1], 1, INT64_MAX, &number) < 0)
		return err_set(
		    err, ERR_USAGE, "'fleet %s' takes the number of one order", o->words[0]);
	*ret = (int64_t)number;
	return 0;
}

static int check_name(const struct options *o, int64_t *ret, struct err *err)
{
	(void)ret;
	return o->word_count == 2
		   ? 0
		   : err_set(err, ERR_USAGE, "'fleet %s' takes one name", o->words[0]);
}

static void say_events(const struct json *answer)
{
	char at[CLOCK_TEXT_SIZE];

	for (size_t n = 0; n < json_count(answer, "events"); n++) {
		const struct json *e = json_at(answer, "events", n);

		say(stdout, "%s  %s  %s  %s  %s\n", time_text(e, "at", at, sizeof(at)),
		    json_words(e, "actor"), json_words(e, "kind"), json_words(e, "host"),
		    json_words(e, "detail"));
	}
}

static int tell_order(const struct fleet *f, struct json *answer)
{
	struct fleet_order o = {.verb = json_words(answer, "verb"),
	    .dry_run = json_bool(answer, "dry_run", false),
	    .fleet = f,
	    .at = {{.number = json_int(answer, "order", 0), .results = answer}}};
	char placed[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];

	if (f->s->options.json)
		return fleet_tell_json(&o);
	say(stdout, "Order %" PRId64 ": %s%s by %s, placed %s, until %s%s.\n", o.at[0].number,
	    o.verb, o.dry_run ? " (dry run)" : "", json_words(answer, "placed_by"),
	    time_text(answer, "placed", placed, sizeof(placed)),
	    time_text(answer, "expires", expires, sizeof(expires)),
	    json_bool(answer, "cancelled", false) ? "; cancelled" : "");
	if (*json_words(answer, "reason"))
		say(stdout, "Reason: %s\n", json_words(answer, "reason"));
	int code = fleet_tell_hosts(stdout, &o, 0, NULL);
	say_events(answer);
	return code;
}

static int order(struct fleet *f, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	struct json *request;
	struct fleet_order o = {.fleet = f};
	int64_t number = 0;
	int code = read_number(&f->s->options, &number, err);

	if (code < 0)
		return code;
	request = json_request("order");
	json_put_int(request, "order", number);
	code = fleet_link_ask(&f->sites[0].link, request, &answer, err);
	if (code == 0 && json_int(answer, "order", 0) != number)
		code = err_set(err, ERR_USAGE, "there is no order %" PRId64, number);
	code = code ?: session_written(tell_order(f, answer), err);
	o.at[0].results = answer;
	return code ?: fleet_exit(&o);
}

static int cancel(struct fleet *f, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	struct json *request;
	int64_t number = 0, running = 0;
	int code = read_number(&f->s->options, &number, err);

	if (code < 0)
		return code;
	request = json_request("cancel");
	json_put_int(request, "order", number);
	json_put_text(request, "reason", f->s->options.reason);
	code = fleet_link_ask(&f->sites[0].link, request, &answer, err);
	if (code == 0 && f->s->options.json) {
		code = session_written(json_line(stdout, json_duplicate(answer)), err);
	} else if (code == 0) {
		running = json_int(answer, "running", 0);
		say(stdout,
		    "Order %" PRId64 " is cancelled on %" PRId64 " %s that had not begun.\n",
		    number, json_int(answer, "cancelled", 0),
		    PLURAL(json_int(answer, "cancelled", 0), "host"));
		if (running > 0)
			say(stdout, "%" PRId64 " %s at work and will stop between two chunks.\n",
			    running, running == 1 ? "host is" : "hosts are");
	}
	return code;
}

static void say_list(const struct json *answer, const char *key, const char *head)
{
	for (size_t n = 0; n < json_count(answer, key); n++) {
		const char *text = json_text(json_at(answer, key, n), NULL);

		if (n == 0)
			say(stdout, "%s\n", head);
		say(stdout, "  %s\n", text ? text : "");
	}
}

static int init(struct fleet *f, struct err *err)
{
	AUTO(json_release) struct json *answer = NULL;
	int code = fleet_link_ask(&f->sites[0].link, json_request("init"), &answer, err);

	if (code == 0 && f->s->options.json) {
		code = session_written(json_line(stdout, json_duplicate(answer)), err);
	} else if (code == 0) {
		say(stdout, "%zu %s applied; the schema is at version %" PRId64 ".\n",
		    json_count(answer, "applied"),
		    PLURAL(json_count(answer, "applied"), "migration"),
		    json_int(answer, "version", 0));
		say_list(answer, "hba", "In pg_hba.conf:");
		say_list(answer, "ident", "In pg_ident.conf:");
		say_list(answer, "warnings", "Warnings:");
	}
	return code;
}

static void put_tags(struct json *request, const char *tags)
{
	struct strbuf packed = {0};
	size_t len;

	for (const char *tag; tags && (tag = str_part(&tags, ",", &len));)
		strlist_push(&packed, tag, len);
	if (packed.len || packed.failed)
		json_put_packed(request, "tags", &packed);
}

static int name_role(struct fleet *f, struct err *err)
{
	const struct options *o = &f->s->options;
	const bool adds = strcmp(o->words[0], "add") == 0;
	AUTO(json_release) struct json *answer = NULL;
	struct json *request;

	request = json_request(o->words[0]);
	json_put_text(request, "name", o->words[1]);
	if (adds) {
		put_tags(request, o->tags);
		json_put_words(request, "as", o->as);
	}
	int code = fleet_link_ask(&f->sites[0].link, request, &answer, err);
	if (code == 0 && o->json)
		code = session_written(json_line(stdout, json_duplicate(answer)), err);
	else if (code == 0 && adds)
		say(stdout, "%s may connect, with a certificate whose CN is %s.\n", o->words[1],
		    o->words[1]);
	else if (code == 0)
		say(stdout, "%s gets no orders and may not connect any more.\n", o->words[1]);
	return code;
}

static const struct row {
	const char *word;
	int (*run)(struct fleet *f, struct err *err);
	/* checks a second word; NULL: there is none */
	int (*second)(const struct options *o, int64_t *ret, struct err *err);
} rows[] = {{"hosts", hosts, NULL}, {"orders", orders, NULL}, {"order", order, read_number},
    {"cancel", cancel, read_number}, {"init", init, NULL}, {"add", name_role, check_name},
    {"retire", name_role, check_name}};

static const struct row *row_of(const struct options *o)
{
	for (size_t n = 0; o->word_count > 0 && n < COUNT_OF(rows); n++)
		if (strcmp(o->words[0], rows[n].word) == 0)
			return &rows[n];
	return NULL;
}

int fleet_admin_check(const struct options *o, struct err *err)
{
	const struct row *row = row_of(o);
	size_t most = row && row->second ? 2 : 1;
	int64_t number;

	if (!row)
		return err_set(err, ERR_USAGE,
		    "'fleet' takes one of hosts, orders, order, cancel, init, add, retire");
	if (o->word_count > most)
		return err_set(
		    err, ERR_USAGE, "'fleet %s' takes no word '%s'", row->word, o->words[most]);
	return row->second ? row->second(o, &number, err) : 0;
}

int fleet_admin(struct fleet *f, struct err *err)
{
	struct fleet_site *site;
	int code = fleet_only(f, "fleet", &site, err);

	return code < 0 ? code : row_of(&f->s->options)->run(f, err);
}
