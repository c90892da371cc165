/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_why.h"

#include "purge/why/why.h"

/* The host's example, with the host's name. */
static struct json *example_of(
    const struct fleet_result *from, const char *fleet, const struct json *example)
{
	static const char *const keys[] = {"queue_id", "address", "delay_reason"};
	struct json *o = json_new();

	json_put_text(o, "host", from->host);
	json_put_words(o, "fleet", fleet);
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		json_put_text(o, keys[n], json_words(example, keys[n]));
	return o;
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
		const struct json *example = json_child(line, "example");

		g->largest = count;
		json_free(g->example);
		g->example = example ? example_of(from, fleet, example) : NULL;
		fleet_sums_weigh(s, strlen(json_words(example, "queue_id")) +
					strlen(json_words(example, "address")) +
					strlen(json_words(example, "delay_reason")));
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

void fleet_why_put(struct json *o, struct fleet_group *g)
{
	struct json *domains = json_new_array();

	if (g->example)
		json_put(o, "example", g->example);
	g->example = NULL;
	for (size_t n = 0; n < g->shares.count && n < WHY_DOMAINS; n++) {
		struct json *one = json_new();

		json_put_text(one, "domain", g->shares.list[n].name);
		json_put_int(one, "recipients", g->shares.list[n].count);
		json_append(domains, one);
	}
	json_put(o, "domains", domains);
}
