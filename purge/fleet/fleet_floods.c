/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_floods.h"

#include "base/array.h"
#include "purge/tell/say.h"

#define FLOODS_MAX 16 /* of one host */

void fleet_floods_words(struct strbuf *to, const struct json *health)
{
	for (size_t n = 0; health && n < json_count(health, "floods") && n < FLOODS_MAX; n++) {
		const struct json *flood = json_at(health, "floods", n);
		const char *kind = json_text(flood, "kind"), *key = json_text(flood, "key");

		if (kind && key)
			strbuf_printf(to, "%sflood of %s %s (%" PRId64 ")", to->len ? "; " : "",
			    kind, key, json_int(flood, "recipients", 0));
	}
}

void fleet_floods_put(struct json *o, const struct json *health)
{
	if (!health || json_count(health, "floods") == 0)
		return;
	struct json *list = json_new_array();
	for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++)
		json_append(list, json_duplicate(json_at(health, "floods", n)));
	json_put(o, "floods", list);
}

struct key {
	const char *kind, *key;
	int64_t recipients;
	size_t hosts;
};
struct keys {
	struct key *list;
	size_t count, cap;
};

static void add(struct keys *keys, const struct json *flood)
{
	struct key k = {.kind = json_text(flood, "kind"),
	    .key = json_text(flood, "key"),
	    .recipients = json_int(flood, "recipients", 0),
	    .hosts = 1};

	if (!k.kind || !k.key)
		return;
	if (k.recipients < 0)
		k.recipients = 0;
	for (size_t n = 0; n < keys->count; n++) {
		struct key *known = &keys->list[n];

		if (strcmp(known->kind, k.kind) != 0 || strcmp(known->key, k.key) != 0)
			continue;
		known->hosts++;
		if (k.recipients > 0 && k.recipients <= INT64_MAX / 2 - known->recipients)
			known->recipients += k.recipients;
		return;
	}
	(void)!array_add(keys, k);
}

void fleet_floods_alert(const struct json *answer)
{
	struct keys keys = {0};

	for (size_t h = 0; h < json_count(answer, "hosts"); h++) {
		const struct json *host = json_at(answer, "hosts", h);
		const struct json *health = json_child(host, "health");
		const char *state = json_text(host, "state");

		if (!health || !state || strcmp(state, "present") != 0)
			continue;
		for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++)
			add(&keys, json_at(health, "floods", n));
	}
	for (size_t n = 0; n < keys.count; n++)
		if (keys.list[n].hosts > 1)
			complain("%s %s floods on %zu hosts: %" PRId64 " recipients in all",
			    keys.list[n].kind, keys.list[n].key, keys.list[n].hosts,
			    keys.list[n].recipients);
	free(keys.list);
}
