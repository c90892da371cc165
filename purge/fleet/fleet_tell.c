/* SPDX-License-Identifier: ISC */

#include "base/clock.h"
#include "purge/fleet/fleet_order.h"
#include "purge/tell/table.h"

const char *fleet_done_key(const char *verb, bool dry_run)
{
	const struct action_row *row = verb_action_row(verb);

	return !row->changes ? "matched" : dry_run ? row->ready_key : row->done;
}

char *fleet_done_text(const char *verb, bool dry_run, char *buf, size_t size)
{
	snprintf(buf, size, "%s", fleet_done_key(verb, dry_run));
	for (char *at = strchr(buf, '_'); at; at = strchr(at, '_'))
		*at = ' ';
	return buf;
}

/* "deleted 800, failed 2", or the reason for a failure. */
static void put_result(struct strbuf *to, const struct json *r, const struct fleet_order *o)
{
	static const char *const others[] = {"failed", "unproven", "changed", "unreadable"};
	const struct json *summary = json_child(r, "summary");
	const char *words = json_text(r, "words");
	int64_t total = json_int(r, "total", 0);
	enum fleet_state state = fleet_state_of(r);
	char done[32];

	if (state == FLEET_OPEN && total > 0)
		strbuf_printf(to, "%" PRId64 " of %" PRId64, json_int(r, "progress", 0), total);
	if (summary)
		strbuf_printf(to, "%s %" PRId64,
		    fleet_done_text(o->verb, o->dry_run, done, sizeof(done)),
		    json_int(summary, fleet_done_key(o->verb, o->dry_run), 0));
	for (size_t n = 0; n < COUNT_OF(others); n++)
		if (json_int(summary, others[n], 0) > 0)
			strbuf_printf(
			    to, ", %s %" PRId64, others[n], json_int(summary, others[n], 0));
	if (state == FLEET_FAILED && words && *words)
		strbuf_printf(to, "%s%s", to->len ? "; " : "", words);
}

static void put_time(const struct json *r, char *buf, size_t size)
{
	int64_t age = json_int(r, "age_us", -1);

	buf[0] = '\0';
	if (fleet_state_of(r) == FLEET_ABSENT)
		fleet_seen_text(json_int(r, "seen_us", -1), buf, size);
	else if (fleet_state_of(r) != FLEET_OPEN && age >= 0)
		snprintf(buf, size, "%.1f s", (double)age / (double)USEC_PER_SEC);
}

static void add_row(struct table *t, const struct fleet_result *result, const struct fleet_order *o)
{
	const struct json *r = result->json;
	static const char *const colors[] = {
	    [FLEET_FAILED] = "red", [FLEET_ABSENT] = "yellow", [FLEET_OPEN] = NULL};
	AUTO(strbuf_release) struct strbuf what = {0};
	char when[64];
	enum fleet_state state = fleet_state_of(r);

	put_result(&what, r, o);
	put_time(r, when, sizeof(when));
	table_add(
	    t, (const char *[]){result->shown, fleet_state_word(r), strbuf_text(&what), when});
	if (state != FLEET_DONE && colors[state])
		table_color(t, 1, colors[state]);
}

int fleet_tell_hosts(FILE *to, const struct fleet_order *o, size_t most, size_t *ret_rows)
{
	static const struct table_column columns[] = {
	    {.name = "HOST"}, {.name = "STATE"}, {.name = "RESULT", .cut = true}, {.name = "TIME"}};
	struct table *t = table_new(to, columns, COUNT_OF(columns));
	size_t count = fleet_count(o).hosts, rows = 0;

	fleet_each (r, o) {
		if (most &&
		    (rows == most || (count > most && fleet_state_of(r.json) == FLEET_DONE)))
			continue;
		add_row(t, &r, o);
		rows++;
	}
	if (ret_rows)
		*ret_rows = rows ? rows + 1 : 0;
	return table_end(t);
}

static const char *fleet_name(const struct fleet_order *o, size_t site)
{
	return o->fleet ? o->fleet->sites[site].name : NULL;
}

static int host_line(const struct fleet_order *o, const struct fleet_result *result)
{
	const struct json *r = result->json, *summary = json_child(r, "summary");
	const char *words = json_text(r, "words"), *fleet = fleet_name(o, result->site);
	struct json *line = json_new();
	int64_t status = json_int(r, "exit", -1);

	json_put_text(line, "host", result->host);
	json_put_words(line, "fleet", fleet);
	json_put_int(line, "order", o->at[result->site].number);
	json_put_text(line, "state", fleet_state_word(r));
	if (status >= 0)
		json_put_int(line, "exit", status);
	json_put_int(line, "attempt", json_int(r, "attempt", 0));
	if (summary)
		json_put(line, "summary", json_duplicate(summary));
	json_put_words(line, "words", words);
	return json_line(stdout, line);
}

static void put_sums(struct json *to, const struct fleet_order *o)
{
	AUTO(strbuf_release) struct strbuf seen = {0};

	fleet_each (r, o) {
		const struct json *s = json_child(r.json, "summary"), *value;
		const char *key;
		void *at = NULL;

		while (json_next(s, &at, &key, &value)) {
			struct strlist list = strlist_of(&seen);
			bool known = strcmp(key, "batch") == 0 || strcmp(key, "failed") == 0 ||
				     json_int(value, NULL, INT64_MIN) == INT64_MIN;

			strlist_each (each, &list)
				known |= strcmp(each, key) == 0;
			if (known || list.count > 100)
				continue;
			json_put_int(to, key, fleet_sum(o, key, NULL));
			strlist_push(&seen, key, strlen(key));
		}
	}
}

/* "order", or with several fleets "orders" by the fleet's name. */
static void put_orders(struct json *to, const struct fleet_order *o)
{
	struct json *orders;

	if (!o->fleet || o->fleet->count == 1) {
		json_put_int(to, "order", o->at[0].number);
		return;
	}
	orders = json_new();
	for (size_t n = 0; n < o->fleet->count; n++)
		if (o->at[n].number)
			json_put_int(orders, fleet_name(o, n), o->at[n].number);
	json_put(to, "orders", orders);
}

int fleet_tell_json(const struct fleet_order *o)
{
	struct fleet_counts c = fleet_count(o);
	struct json *summary = json_new();
	int code = 0;

	fleet_each (r, o)
		code = code ?: host_line(o, &r);
	put_orders(summary, o);
	json_put_int(summary, "hosts", (int64_t)c.hosts);
	json_put_int(summary, "done", (int64_t)c.done);
	json_put_int(summary, "absent", (int64_t)c.absent);
	/* here "failed" counts hosts; in the hosts' lines it counts messages */
	json_put_int(summary, "failed", (int64_t)c.failed);
	if (c.open)
		json_put_int(summary, "open", (int64_t)c.open);
	put_sums(summary, o);
	if (code < 0)
		json_free(summary);
	return code < 0 ? code : json_line_of(stdout, "summary", summary);
}
