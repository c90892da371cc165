/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_why.h"

#include "purge/tell/say.h"
#include "purge/why/why.h"

#define INDENT 10

/* of a group's example */
enum { SHOWN, HOST, FLEET, ID, ADDRESS, REASON, EXAMPLE_COUNT };

static int take_example(struct fleet_group *g, const struct fleet_result *from, const char *fleet,
    const struct json *example)
{
	const char *const members[EXAMPLE_COUNT] = {[SHOWN] = from->shown,
	    [HOST] = from->host,
	    [FLEET] = fleet ? fleet : "",
	    [ID] = json_words(example, "queue_id"),
	    [ADDRESS] = json_words(example, "address"),
	    [REASON] = json_words(example, "delay_reason")};

	strbuf_clear(&g->example);
	for (size_t n = 0; example && n < EXAMPLE_COUNT; n++)
		strlist_push(&g->example, members[n], strlen(members[n]));
	return g->example.failed ? -ENOMEM : 0;
}

static int add_share(struct fleet_group *g, const char *name, int64_t count)
{
	struct fleet_share share = {.count = count};

	for (size_t n = 0; n < g->shares.count; n++)
		if (strcmp(g->shares.list[n].name, name) == 0) {
			fleet_sums_increase(&g->shares.list[n].count, count);
			return 0;
		}
	share.name = strdup(name);
	if (share.name && array_add(&g->shares, share) == 0)
		return 0;
	free(share.name);
	return -ENOMEM;
}

int fleet_why_take(struct fleet_sums *s, const struct fleet_result *from, const char *fleet,
    const struct json *line)
{
	const int64_t count = fleet_sums_number(line, "recipients");
	struct fleet_group *g;
	int code = fleet_sums_add(s, "reason", "recipients", line, &g);

	if (code == 0 && g && count > g->largest) {
		g->largest = count;
		code = take_example(g, from, fleet, json_child(line, "example"));
		fleet_sums_weigh(s, g->example.len);
	}
	for (size_t n = 0; g && code == 0 && n < json_count(line, "domains") && n < WHY_DOMAINS;
	     n++) {
		const struct json *one = json_at(line, "domains", n);
		const char *name = json_words(one, "domain");
		int64_t recipients = fleet_sums_number(one, "recipients");

		fleet_sums_weigh(s, strlen(name));
		if (json_text(one, "domain") && recipients > 0)
			code = add_share(g, name, recipients);
	}
	return code;
}

/* False: there is no example. */
static bool read_example(const struct fleet_group *g, const char *ret[EXAMPLE_COUNT])
{
	struct strlist list = strlist_of(&g->example);
	size_t n = 0;

	strlist_each (each, &list)
		if (n < EXAMPLE_COUNT)
			ret[n++] = each;
	return n == EXAMPLE_COUNT;
}

static size_t shares_shown(const struct fleet_group *g)
{
	return g->shares.count < WHY_DOMAINS ? g->shares.count : WHY_DOMAINS;
}

void fleet_why_put(struct json *o, const struct fleet_group *g)
{
	const char *members[EXAMPLE_COUNT];
	struct json *domains = json_new_array();

	if (read_example(g, members)) {
		struct json *example = json_new();

		json_put_text(example, "host", members[HOST]);
		json_put_words(example, "fleet", members[FLEET]);
		json_put_text(example, "queue_id", members[ID]);
		json_put_text(example, "address", members[ADDRESS]);
		json_put_text(example, "delay_reason", members[REASON]);
		json_put(o, "example", example);
	}
	for (size_t n = 0; n < shares_shown(g); n++) {
		struct json *one = json_new();

		json_put_text(one, "domain", g->shares.list[n].name);
		json_put_int(one, "recipients", g->shares.list[n].count);
		json_append(domains, one);
	}
	json_put(o, "domains", domains);
}

void fleet_why_say(const struct fleet_group *g, bool cut)
{
	const char *members[EXAMPLE_COUNT];
	char count[32];
	AUTO(strbuf_release) struct strbuf line = {0};

	snprintf(count, sizeof(count), "%s%" PRId64, cut ? ">=" : "", g->count);
	say(stdout, "%8s  ", count);
	say_fold_from(stdout, INDENT, g->name);
	strbuf_printf(&line, "on %zu %s", g->hosts, PLURAL(g->hosts, "host"));
	if (g->messages && g->messages != g->count)
		strbuf_printf(
		    &line, " in %" PRId64 " %s", g->messages, PLURAL(g->messages, "message"));
	for (size_t n = 0; n < shares_shown(g); n++)
		strbuf_printf(&line, "%s%s %" PRId64, n ? ", " : "; ",
		    *g->shares.list[n].name ? g->shares.list[n].name : "(no domain)",
		    g->shares.list[n].count);
	say_fold(stdout, INDENT, strbuf_text(&line));
	if (read_example(g, members)) {
		strbuf_clear(&line);
		strbuf_printf(&line, "e.g. on %s %s to %s: %s", members[SHOWN], members[ID],
		    members[ADDRESS], members[REASON]);
		say_fold(stdout, INDENT, strbuf_text(&line));
	}
	say(stdout, "\n");
}
