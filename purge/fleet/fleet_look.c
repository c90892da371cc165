/* SPDX-License-Identifier: ISC */
/* list, top, why and status on the fleet: a read-only order, and its hosts' answers. */

#include "base/clock.h"
#include "purge/fleet/fleet_order.h"
#include "purge/fleet/fleet_spec.h"
#include "purge/fleet/fleet_why.h"
#include "purge/tell/say.h"
#include "purge/tell/table.h"
#include "purge/why/why.h"

#define GROUPS_MAX   1000 /* of one host; with more, sums are "at least" */
#define GROUPS_SHOWN 20   /* on a terminal, without --limit */
#define PARTS_MAX    64

struct looking {
	struct fleet *f;
	const struct options *o;
	struct fleet_order order;
	struct fleet_sums sums;
	struct table *table;
	bool cut; /* a host had more groups than it sent */
};

/* A host that sends more groups than it was asked for, or names without end, lies. */
static bool is_full(struct looking *k, size_t lines)
{
	bool full = (k->f->s->verb->flags & VERB_GROUPS) &&
		    (lines >= GROUPS_MAX || fleet_sums_full(&k->sums));

	k->cut |= full;
	return full;
}

typedef int take_line(struct looking *k, const struct fleet_result *host, const struct json *line);

static int each_line(
    struct looking *k, const struct fleet_result *r, take_line *take, struct err *err)
{
	size_t lines = 0;
	bool last = false;
	int code = 0;

	fleet_sums_begin(&k->sums);
	for (int part = 0; code == 0 && !last && part < PARTS_MAX; part++) {
		struct json *request = json_request("parts"), *answer = NULL;

		json_put_int(request, "order", k->order.at[r->site].number);
		json_put_text(request, "host", r->host);
		json_put_int(request, "part", part);
		code = fleet_link_ask(&k->f->sites[r->site].link, request, &answer, err);
		for (size_t n = 0;
		     code == 0 && n < json_count(answer, "lines") && !is_full(k, lines);
		     n++, lines++)
			code = session_written(take(k, r, json_at(answer, "lines", n)), err);
		last = code < 0 || json_bool(answer, "last", true) || is_full(k, lines);
		json_free(answer);
	}
	return code;
}

static int each_host(struct looking *k, take_line *take, struct err *err)
{
	int code = 0;

	fleet_each (r, &k->order)
		if (code == 0 && json_child(r.json, "summary"))
			code = each_line(k, &r, take, err);
	return code;
}

static int list_json(struct looking *k, const struct fleet_result *host, const struct json *line)
{
	struct json *o = json_duplicate(line);

	json_put_text(o, "host", host->host);
	json_put_words(o, "fleet", k->f->sites[host->site].name);
	return json_line(stdout, o);
}

static int list_row(struct looking *k, const struct fleet_result *host, const struct json *line)
{
	int64_t arrived = json_int(line, "arrival_time", 0),
		size = json_int(line, "message_size", 0);
	const char *to = json_words(json_at(line, "recipients", 0), "address");
	char age[CLOCK_TEXT_SIZE] = "", bytes[32], recipients[300];
	size_t count = json_count(line, "recipients");
	bool terminal = isatty(STDOUT_FILENO);

	if (arrived > 0 && terminal)
		clock_span_text(k->o->now - arrived * USEC_PER_SEC, age, sizeof(age));
	else if (arrived > 0)
		clock_text(arrived * USEC_PER_SEC, age, sizeof(age));
	snprintf(bytes, sizeof(bytes), "%" PRId64, size);
	if (terminal)
		str_size_text((uint64_t)(size > 0 ? size : 0), bytes, sizeof(bytes));
	if (count > 1)
		snprintf(recipients, sizeof(recipients), "%.200s +%zu", to, count - 1);
	else
		snprintf(recipients, sizeof(recipients), "%.200s", to);
	table_add(k->table,
	    (const char *[]){host->shown, json_text(line, "queue_id"),
		json_text(line, "queue_name"), age, bytes, json_text(line, "sender"), recipients});
	return 0;
}

static int list(struct looking *k, struct err *err)
{
	static const struct table_column columns[] = {{.name = "HOST"}, {.name = "QUEUE ID"},
	    {.name = "QUEUE"}, {.name = "AGE", .right = true}, {.name = "SIZE", .right = true},
	    {.name = "SENDER", .cut = true}, {.name = "RECIPIENTS", .cut = true}};

	if (k->o->json)
		return each_host(k, list_json, err);
	k->table = table_new(stdout, columns, COUNT_OF(columns));
	int code = each_host(k, list_row, err);
	return session_written(table_end(k->table) < 0 && code == 0 ? -ENOMEM : code, err);
}

static int add_top(struct looking *k, const struct fleet_result *host, const struct json *line)
{
	struct fleet_group *ignored;

	(void)host;
	return fleet_sums_add(&k->sums, "group", "count", line, &ignored);
}

static int add_why(struct looking *k, const struct fleet_result *host, const struct json *line)
{
	return fleet_why_take(&k->sums, host, k->f->sites[host->site].name, line);
}

static size_t shown(const struct looking *k)
{
	size_t limit = k->o->limit;

	if (!limit && !k->o->json && isatty(STDOUT_FILENO))
		limit = GROUPS_SHOWN;
	return limit && limit < k->sums.count ? limit : k->sums.count;
}

static void put_top(const struct looking *k, struct json *o, const struct fleet_group *g)
{
	uint64_t ages[TOP_AGES];

	json_put_share(o, "share", (double)g->count / (double)k->sums.all);
	json_put_int(o, "bytes", g->bytes);
	json_put_int(o, "oldest", g->oldest);
	json_put_int(o, "newest", g->newest);
	for (size_t n = 0; n < TOP_AGES; n++)
		ages[n] = (uint64_t)g->ages[n];
	json_put_ints(o, "ages", ages, TOP_AGES);
}

static struct json *group_json(const struct looking *k, struct fleet_group *g, bool why)
{
	struct json *o = json_new();

	json_put_text(o, why ? "reason" : "group", g->name);
	json_put_int(o, why ? "recipients" : "count", g->count);
	if (why)
		json_put_int(o, "messages", g->messages);
	else
		put_top(k, o, g);
	json_put_int(o, "hosts", (int64_t)g->hosts);
	if (k->cut)
		json_put_bool(o, "at_least", true);
	if (why)
		fleet_why_put(o, g);
	return o;
}

static void top_row(const struct looking *k, const struct fleet_group *g)
{
	char count[32], hosts[32], bytes[32] = "", oldest[CLOCK_TEXT_SIZE] = "";

	snprintf(count, sizeof(count), "%s%" PRId64, k->cut ? ">=" : "", g->count);
	snprintf(hosts, sizeof(hosts), "%zu", g->hosts);
	str_size_text((uint64_t)g->bytes, bytes, sizeof(bytes));
	if (g->oldest)
		clock_span_text(k->o->now - g->oldest * USEC_PER_SEC, oldest, sizeof(oldest));
	table_add(k->table, (const char *[]){g->name, count, hosts, bytes, oldest});
}

static void add_up(struct looking *k)
{
	fleet_sums_close(&k->sums);
	fleet_each (r, &k->order) {
		const struct json *s = json_child(r.json, "summary");

		k->cut |= json_int(s, "lines", 0) >= GROUPS_MAX || json_bool(s, "cut", false);
	}
}

static int tell_json(struct looking *k, bool why, struct err *err)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < shown(k); n++)
		code =
		    session_written(json_line(stdout, group_json(k, &k->sums.list[n], why)), err);
	return code;
}

static int top(struct looking *k, struct err *err)
{
	static const struct table_column columns[] = {{.name = "GROUP", .cut = true},
	    {.name = "COUNT", .right = true}, {.name = "HOSTS", .right = true},
	    {.name = "SIZE", .right = true}, {.name = "OLDEST", .right = true}};
	int code = each_host(k, add_top, err);

	if (code < 0)
		return code;
	add_up(k);
	if (k->o->json)
		return tell_json(k, false, err);
	k->table = table_new(stdout, columns, COUNT_OF(columns));
	for (size_t n = 0; n < shown(k); n++)
		top_row(k, &k->sums.list[n]);
	return session_written(table_end(k->table), err);
}

static int why(struct looking *k, struct err *err)
{
	int code = each_host(k, add_why, err);

	if (code < 0)
		return code;
	add_up(k);
	if (k->o->json)
		return tell_json(k, true, err);
	if (k->sums.count == 0)
		say(stdout, "Nothing is deferred.\n");
	for (size_t n = 0; n < shown(k); n++) {
		AUTO(json_release) struct json *group = group_json(k, &k->sums.list[n], true);

		why_say(group, k->f->count > 1);
	}
	return session_written(0, err);
}

static void say_findings(const struct fleet_result *r)
{
	const struct json *s = json_child(r->json, "summary");

	for (size_t n = 0; n < json_count(s, "findings"); n++) {
		const struct json *f = json_at(s, "findings", n);
		const char *level = json_text(f, "level"), *text = json_text(f, "text");

		if (level && text)
			say(stdout, "%s %s: %s.\n", strcmp(level, "fault") == 0 ? "!" : "-",
			    r->shown, text);
	}
}

static int status(struct looking *k, struct err *err)
{
	static const struct table_column columns[] = {
	    {.name = "HOST"}, {.name = "STATE"}, {.name = "STATUS", .cut = true}};

	if (k->o->json)
		return session_written(fleet_tell_json(&k->order), err);
	k->table = table_new(stdout, columns, COUNT_OF(columns));
	fleet_each (r, &k->order) {
		const struct json *s = json_child(r.json, "summary");
		char seen[64] = "";
		const char *words = json_text(r.json, "words");

		if (s)
			words =
			    json_bool(s, "ok", false) ? "nothing is wrong" : "something is wrong";
		if (fleet_state_of(r.json) == FLEET_ABSENT)
			words =
			    fleet_seen_text(json_int(r.json, "seen_us", -1), seen, sizeof(seen));
		table_add(k->table, (const char *[]){r.shown, fleet_state_word(r.json), words});
	}
	int code = table_end(k->table);
	fleet_each (r, &k->order)
		say_findings(&r);
	return session_written(code, err);
}

static void say_missing_or_cut(const struct looking *k)
{
	fleet_each (r, &k->order) {
		const char *words = json_text(r.json, "words");
		char seen[64];

		if (fleet_state_of(r.json) == FLEET_ABSENT)
			complain("%s is absent (%s)", r.shown,
			    fleet_seen_text(json_int(r.json, "seen_us", -1), seen, sizeof(seen)));
		else if (fleet_state_of(r.json) == FLEET_FAILED)
			complain("%s: %s%s%s", r.shown, fleet_state_word(r.json),
			    words && *words ? ": " : "", words ? words : "");
		else if (json_bool(json_child(r.json, "summary"), "cut", false))
			complain("%s has more lines than the fleet takes; narrow it down", r.shown);
	}
}

static int tell(struct looking *k, struct err *err)
{
	static const struct {
		const char *verb;
		int (*tell)(struct looking *k, struct err *err);
	} rows[] = {{"list", list}, {"top", top}, {"why", why}};

	if (strcmp(k->order.verb, "status") == 0)
		return status(k, err);
	if (!k->o->quiet)
		say_missing_or_cut(k);
	for (size_t n = 0; n < COUNT_OF(rows); n++)
		if (strcmp(k->order.verb, rows[n].verb) == 0)
			return rows[n].tell(k, err);
	return 0;
}

int fleet_look(struct fleet *f, struct err *err)
{
	struct looking k = {.f = f, .o = &f->s->options};
	AUTO(json_release) struct json *spec = NULL;
	int code = fleet_spec(k.o, &spec, err);

	k.order =
	    (struct fleet_order){.verb = f->s->verb->name, .spec = spec, .expire = FLEET_LOOK};
	/* the largest groups are known only when all hosts' groups are added up */
	if (code == 0 && f->s->verb->flags & VERB_GROUPS)
		json_put_int(spec, "limit", GROUPS_MAX);
	code = code ?: fleet_place(f, &k.order, err);
	code = code ?: fleet_await(f, &k.order, err);
	code = code ?: tell(&k, err);
	if (code >= 0)
		code = fleet_exit(&k.order);
	fleet_order_release(&k.order);
	fleet_sums_release(&k.sums);
	return code;
}
