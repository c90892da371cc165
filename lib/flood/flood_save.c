/* SPDX-License-Identifier: ISC */
/*
 * Peaks and incidents as JSON lines, and back. Of strangers' keys only those are kept whose peak
 * matters, so that the file stays small.
 */
#include <math.h>

#include "base/clock.h"
#include "flood/flood_private.h"

#define SLICE   64
#define ENTRIES 46080

static bool matters(const struct flood *f, enum flood_kind kind, const struct entry *e)
{
	const struct flood_limits *l = &f->config.limits[kind];

	if (!e->name[0] || e->exempt)
		return false;
	for (int p = 0; p < PEAKS; p++) {
		float value = e->peak[p] > e->pending[p] ? e->peak[p] : e->pending[p];

		if (value >= 1 && (kind == FLOOD_LOGIN || kind == FLOOD_LOCAL ||
				      (p < FLOOD_WINDOWS && value * l->above > l->count[p])))
			return true;
	}
	return false;
}

static void put_floats(struct json *o, const char *key, const float *list)
{
	uint64_t whole[PEAKS];

	for (int p = 0; p < PEAKS; p++)
		whole[p] = (uint64_t)lroundf(list[p]);
	json_put_ints(o, key, whole, PEAKS);
}

static void save_entry(enum flood_kind kind, const struct entry *e, struct strbuf *to)
{
	struct json *o = json_new();

	json_put_text(o, "kind", flood_kind_word(kind));
	json_put_text(o, "key", e->name);
	put_floats(o, "peak", e->peak);
	if (e->pending_day) {
		put_floats(o, "pending", e->pending);
		json_put_int(o, "pending_day", e->pending_day);
	}
	json_put_int(o, "day", e->window[FLOOD_1D].bucket);
	if (e->shun)
		json_put_int(o, "shun", e->shun);
	(void)!json_write(to, o);
}

/* What both ways have of an incident: a number each. */
#define NUMBERS(X)                                                                                 \
	X(since)                                                                                   \
	X(last)                                                                                    \
	X(until)                                                                                   \
	X(window)                                                                                  \
	X(recipients)                                                                              \
	X(messages)                                                                                \
	X(told)                                                                                    \
	X(seen)                                                                                    \
	X(limit)                                                                                   \
	X(usual)                                                                                   \
	X(networks)                                                                                \
	X(senders)                                                                                 \
	X(undelivered)                                                                             \
	X(expires)                                                                                 \
	X(action) X(held) X(hits) X(mark) X(open) X(act) X(loopback) X(key_cut) X(hook_begun)

static void save_incident(const struct flood_incident *i, struct strbuf *to)
{
	struct json *o = json_new();
	char text[NET_TEXT_SIZE];

	json_put_int(o, "id", i->id);
	json_put_text(o, "kind", flood_kind_word(i->kind));
	json_put_text(o, "key", i->key);
	json_put_text(o, "signal", flood_signal_word(i->signal));
#define PUT(name) json_put_int(o, #name, (int64_t)i->name);
	NUMBERS(PUT)
#undef PUT
	for (int p = 0; p < 2; p++) {
		struct strbuf packed = {0};

		for (int n = 0; n < (p ? i->ids_count : i->clients_count); n++) {
			const char *item = p ? i->ids[n].text : net_text(&i->clients[n], text);
			strlist_push(&packed, item, strlen(item));
		}
		struct strlist view = strlist_of(&packed);
		json_put_list(o, p ? "queue_ids" : "clients", &view);
		strbuf_release(&packed);
	}
	(void)!json_write(to, o);
}

static enum flood_kind kind_at(const struct flood *f, size_t at)
{
	int k = FLOOD_KINDS - 1;

	while (f->table[k].list > f->table[0].list + at)
		k--;
	return (enum flood_kind)k;
}

bool flood_save(struct flood *f, size_t *at, struct strbuf *to)
{
	size_t lines = 0;

	if (*at == 0) {
		struct json *o = json_new();

		json_put_int(o, "started", f->started);
		json_put_int(o, "next_id", f->next_id);
		(void)!json_write(to, o);
	}
	for (size_t seen = 0; *at < ENTRIES && lines < SLICE && seen < SLICE * 32; ++*at, seen++) {
		const struct entry *e = f->table[0].list + *at;
		enum flood_kind kind = kind_at(f, *at);

		if (matters(f, kind, e)) {
			save_entry(kind, e, to);
			lines++;
		}
	}
	for (; *at >= ENTRIES && *at < ENTRIES + FLOOD_INCIDENTS_MAX && lines < SLICE; ++*at) {
		const struct flood_incident *i = &f->incident[*at - ENTRIES];

		if (i->id) {
			save_incident(i, to);
			lines++;
		}
	}
	return *at < ENTRIES + FLOOD_INCIDENTS_MAX;
}

/* ---- back */

static void take_floats(const struct json *o, const char *key, float *to)
{
	for (size_t p = 0; p < PEAKS; p++) {
		int64_t value = json_int(json_at(o, key, p), NULL, 0);

		if (value > (int64_t)to[p] && value <= UINT32_MAX)
			to[p] = (float)value;
	}
}

static int restore_entry(
    struct flood *f, const struct json *o, enum flood_kind kind, const char *key)
{
	int64_t day = json_int(o, "day", 0), pending = json_int(o, "pending_day", 0);
	struct flood_key k;
	bool is_new;

	if (day < 1 || day > UINT16_MAX || pending < 0 || pending > day)
		return ERR_SYNTAX;
	flood_key_text(&k, key, false);
	int64_t when = day * 86400 * USEC_PER_SEC;
	struct entry *e = table_get(&f->table[kind], flood_hash_of(f, &k), &k, when, &is_new);
	if (!e)
		return 0;
	if (is_new)
		e->exempt = flood_is_exempt(&f->config, kind, k.text);
	e->last = (uint32_t)(when / USEC_PER_SEC);
	take_floats(o, "peak", e->peak);
	take_floats(o, "pending", e->pending);
	if (pending && !e->pending_day)
		e->pending_day = (uint16_t)pending;
	e->shun = (uint16_t)json_int(o, "shun", 0);
	return 0;
}

static enum flood_signal signal_of(const char *word)
{
	for (int s = 0; word && s < FLOOD_SIGNALS; s++)
		if (strcmp(word, flood_signal_word((enum flood_signal)s)) == 0)
			return (enum flood_signal)s;
	return FLOOD_COUNT_1H;
}

static void take_samples(const struct json *o, struct flood_incident *i)
{
	for (size_t n = 0; n < FLOOD_SAMPLES; n++) {
		const char *client = json_text(json_at(o, "clients", n), NULL);
		const char *id = json_text(json_at(o, "queue_ids", n), NULL);

		if (client && net_parse(client, &i->clients[i->clients_count]) == 0)
			i->clients_count++;
		if (id && queue_id_parse(id, strlen(id), &i->ids[i->ids_count]) == 0)
			i->ids_count++;
	}
}

static int restore_incident(
    struct flood *f, const struct json *o, enum flood_kind kind, const char *key)
{
	int64_t id = json_int(o, "id", 0);
	struct flood_incident *i = f->incident;
	struct flood_key k;

	while (i < f->incident + FLOOD_INCIDENTS_MAX && i->id)
		i++;
	if (id < 1 || id > UINT32_MAX / 2 || i == f->incident + FLOOD_INCIDENTS_MAX ||
	    flood_find(f, (uint32_t)id))
		return ERR_SYNTAX;
	*i = (struct flood_incident){.id = (uint32_t)id, .kind = kind};
#define TAKE(name) i->name = (__typeof__(i->name))json_int(o, #name, 0);
	NUMBERS(TAKE)
#undef TAKE
	i->signal = signal_of(json_text(o, "signal"));
	i->told = i->told ? i->told : 1;
	if (i->mark > FLOOD_BAD)
		i->mark = FLOOD_UNMARKED;
	flood_key_text(&k, key, false);
	memcpy(i->key, k.text, k.len + 1);
	i->hash = flood_hash_of(f, &k);
	take_samples(o, i);
	if (f->next_id <= i->id)
		f->next_id = i->id + 1;
	struct entry *e = i->open && f->open < FLOOD_OPEN_MAX
			      ? flood_entry(f, kind, &k, i->hash, i->last > 0 ? i->last : 1)
			      : NULL;
	if (e && !e->incident) {
		e->incident = (uint16_t)(i - f->incident + 1);
		f->open++;
	} else if (i->open) {
		i->open = false;
		i->until = i->last;
	}
	return 0;
}

int flood_restore(struct flood *f, const struct json *line)
{
	const char *word = json_text(line, "kind"), *key = json_text(line, "key");
	int64_t next = json_int(line, "next_id", 0);
	enum flood_kind kind;

	if (!word) {
		if (next < 1 || next > UINT32_MAX / 2)
			return ERR_SYNTAX;
		f->started = json_int(line, "started", 0);
		if (f->next_id < next)
			f->next_id = (uint32_t)next;
		return 0;
	}
	if (flood_kind_of(word, &kind) != 0 || !key || !*key)
		return ERR_SYNTAX;
	return json_int(line, "id", 0) ? restore_incident(f, line, kind, key)
				       : restore_entry(f, line, kind, key);
}

/* ---- learned from a log */

void flood_settle(struct flood *f)
{
	for (size_t at = 0; at < ENTRIES; at++) {
		struct entry *e = f->table[0].list + at;

		/* What is not finished yet counts as well. */
		table_roll(e, (e->last + 2 * INT64_C(86400)) * USEC_PER_SEC, false);
		table_settle(e);
	}
}

void flood_lifted(struct flood *f, flood_told *told, void *arg)
{
	for (size_t at = 0; at < ENTRIES; at++) {
		const struct entry *e = f->table[0].list + at;
		enum flood_kind kind = kind_at(f, at);

		if (e->name[0] && flood_is_lifted(f, kind, e)) {
			const uint32_t peak[FLOOD_WINDOWS] = {
			    (uint32_t)e->peak[0], (uint32_t)e->peak[1], (uint32_t)e->peak[2]};

			told(arg, kind, e->name, peak);
		}
	}
}
