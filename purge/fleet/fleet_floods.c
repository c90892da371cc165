/* SPDX-License-Identifier: ISC */
#include "purge/fleet/fleet_floods.h"

#include "base/array.h"
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

struct key {
	const char *kind, *key;
	int64_t recipients;
	size_t host; /* number of the host that reports it */
};
struct keys {
	struct key *list;
	size_t count, cap;
};

static void add(struct keys *keys, size_t host, const struct json *flood)
{
	struct key k = {.kind = json_text(flood, "kind"),
	    .key = json_text(flood, "key"),
	    .recipients = json_int(flood, "recipients", 0),
	    .host = host};

	if (k.kind && k.key)
		(void)!array_add(keys, k);
}

static bool is_equal(const struct key *a, const struct key *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->key, b->key) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return strcmp(x->kind, y->kind)
		   ?: strcmp(x->key, y->key) ?: (x->host > y->host) - (x->host < y->host);
}

static void collect(struct keys *keys, const struct json *answer)
{
	for (size_t h = 0; h < json_count(answer, "hosts") && !interrupt_stop; h++) {
		const struct json *host = json_at(answer, "hosts", h);
		const struct json *health = json_child(host, "health");

		if (strcmp(json_words(host, "state"), "present") != 0)
			continue;
		for (size_t n = 0; n < json_count(health, "floods") && n < FLOODS_MAX; n++)
			add(keys, h, json_at(health, "floods", n));
	}
}

struct run {
	size_t count, hosts;
	int64_t recipients;
};

/* Equal keys from n on, over all hosts. */
static struct run run_of(const struct keys *keys, size_t n)
{
	struct run run = {0};

	for (; n < keys->count; n++, run.count++) {
		const struct key *k = &keys->list[n];

		if (run.count > 0 && !is_equal(&k[-1], k))
			break;
		run.hosts += run.count == 0 || k[-1].host != k->host;
		if (k->recipients > 0 && k->recipients <= INT64_MAX / 2 - run.recipients)
			run.recipients += k->recipients;
	}
	return run;
}

void fleet_floods_alert(const struct json *answer)
{
	struct keys keys = {0};
	struct run run;
	size_t told = 0;

	collect(&keys, answer);
	array_sort(&keys, compare);
	for (size_t n = 0; n < keys.count && !interrupt_stop; n += run.count) {
		run = run_of(&keys, n);
		if (run.hosts > 1 && told++ < ALERTS_MAX)
			complain("%s %s floods on %zu hosts: %" PRId64 " recipients in all",
			    keys.list[n].kind, keys.list[n].key, run.hosts, run.recipients);
	}
	if (told > ALERTS_MAX)
		complain("%zu more flood on several hosts", told - ALERTS_MAX);
	free(keys.list);
}
