/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_floods.h"

#include "base/labels.h"
#include "purge/fleet/fleet_sums.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"

#define FLOODS_MAX 16 /* of one host */
#define ALERTS_MAX 50

void fleet_floods_words(struct strbuf *to, const struct json *health)
{
	for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++) {
		const struct json *flood = json_at(health, "floods", n);
		const char *kind = json_text(flood, "kind"), *key = json_text(flood, "key");

		if (kind && key)
			strbuf_printf(to, "%sflood of %s %s (%" PRId64 ")", to->len ? "; " : "",
			    kind, key, json_int(flood, "recipients", 0));
	}
}

void fleet_floods_put(struct json *o, const struct json *health)
{
	if (json_count(health, "floods") == 0)
		return;
	struct json *list = json_new_array();
	for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++)
		json_append(list, json_duplicate(json_at(health, "floods", n)));
	json_put(o, "floods", list);
}

/* "KIND KEY" */
struct key {
	const char *name;
	size_t hosts, last; /* last: number of the last host that reported it, from 1 */
	int64_t recipients;
};

static void add(struct labels *keys, size_t host, const struct json *flood)
{
	const char *kind = json_text(flood, "kind"), *key = json_text(flood, "key");
	AUTO(strbuf_release) struct strbuf name = {0};
	size_t at;

	strbuf_printf(&name, "%s %s", kind ? kind : "", key ? key : "");
	if (!kind || !key || name.failed || labels_number(keys, name.text, 0, &at) < 0)
		return;
	struct key *k = (struct key *)keys->values + at;
	k->hosts += k->last != host;
	k->last = host;
	fleet_sums_increase(&k->recipients, fleet_sums_number(flood, "recipients"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->name, ((const struct key *)b)->name);
}

static void collect(struct labels *keys, const struct json *answer)
{
	for (size_t h = 0; h < json_count(answer, "hosts") && !interrupt_stop; h++) {
		const struct json *host = json_at(answer, "hosts", h);
		const struct json *health = json_child(host, "health");

		if (strcmp(json_words(host, "state"), "present") != 0)
			continue;
		for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++)
			add(keys, h + 1, json_at(health, "floods", n));
	}
}

void fleet_floods_alert(const struct json *answer)
{
	AUTO(labels_release) struct labels keys = {.value_size = sizeof(struct key)};
	size_t told = 0;

	collect(&keys, answer);
	const struct key *list = labels_sort(&keys, by_name);
	for (size_t n = 0; n < keys.count && !interrupt_stop; n++)
		if (list[n].hosts > 1 && told++ < ALERTS_MAX)
			complain("%s floods on %zu hosts: %" PRId64 " recipients in all",
			    list[n].name, list[n].hosts, list[n].recipients);
	if (told > ALERTS_MAX)
		complain("%zu more flood on several hosts", told - ALERTS_MAX);
}
