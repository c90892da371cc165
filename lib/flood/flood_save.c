/* SPDX-License-Identifier: ISC */
/* Saves only those of the strangers' keys that matter, so that the file stays small. */
#include <math.h>

#include "base/clock.h"
#include "flood/flood_private.h"

#define SLICE 64

/* Members of "counts": the windows, then the day's recipients that an incident reported. */
#define COUNTS_EACH 5
#define COUNTS      (FLOOD_WINDOWS * COUNTS_EACH + 2)

static bool peak_matters(const struct flood *f, enum flood_kind kind, const struct entry *e)
{
	const struct flood_limits *l = &f->config.limits[kind];

	for (int p = 0; p < PEAKS; p++) {
		float value = e->peak[p] > e->pending[p] ? e->peak[p] : e->pending[p];

		if (value >= 1 &&
		    (kind == FLOOD_LOGIN || kind == FLOOD_LOCAL ||
			(p < FLOOD_WINDOWS && value * l->above > l->most[FLOOD_COUNT_10M + p])))
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

static bool counts_matter(const struct flood *f, enum flood_kind kind, const struct entry *e)
{
	const struct flood_limits *l = &f->config.limits[kind];
	bool account = kind == FLOOD_LOGIN || kind == FLOOD_LOCAL;

	for (int w = 0; w < FLOOD_WINDOWS; w++) {
		double seen = table_recipients(e, (enum flood_window)w, f->now);

		if (seen > 0 && (account || (l->most[FLOOD_COUNT_10M + w] &&
						seen * 4 > l->most[FLOOD_COUNT_10M + w])))
			return true;
	}
	return false;
}

static void put_counts(struct json *o, const struct entry *e)
{
	uint64_t list[COUNTS];

	for (size_t w = 0; w < FLOOD_WINDOWS; w++) {
		const struct window *x = &e->window[w];

		memcpy(list + w * COUNTS_EACH,
		    (const uint64_t[]){
			x->bucket, x->current, x->previous, x->messages, x->messages_before},
		    COUNTS_EACH * sizeof(*list));
	}
	list[COUNTS - 2] = e->told;
	list[COUNTS - 1] = e->told_before;
	json_put_ints(o, "counts", list, COUNTS);
}

static void save_entry(
    const struct flood *f, enum flood_kind kind, const struct entry *e, struct strbuf *to)
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
	if (counts_matter(f, kind, e))
		put_counts(o, e);
	(void)!json_write(to, o);
}

/* The numbers of an incident, both written and read. */
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
	X(action) X(held) X(hits) X(mark) X(open) X(act) X(loopback) X(key_cut)

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
		json_put_packed(o, p ? "queue_ids" : "clients", &packed);
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
		json_put_int(o, "counted", f->now);
		(void)!json_write(to, o);
	}
	for (size_t seen = 0; *at < TABLE_ENTRIES && lines < SLICE && seen < SLICE * 32;
	     ++*at, seen++) {
		const struct entry *e = f->table[0].list + *at;
		enum flood_kind kind = kind_at(f, *at);

		if (e->name[0] && !e->exempt &&
		    (peak_matters(f, kind, e) || counts_matter(f, kind, e))) {
			save_entry(f, kind, e, to);
			lines++;
		}
	}
	for (; *at >= TABLE_ENTRIES && *at < TABLE_ENTRIES + FLOOD_INCIDENTS_MAX && lines < SLICE;
	     ++*at) {
		const struct flood_incident *i = &f->incident[*at - TABLE_ENTRIES];

		if (i->id) {
			save_incident(i, to);
			lines++;
		}
	}
	return *at < TABLE_ENTRIES + FLOOD_INCIDENTS_MAX;
}

static void take_floats(const struct json *o, const char *key, float *to)
{
	for (size_t p = 0; p < PEAKS; p++) {
		int64_t value = json_int(json_at(o, key, p), NULL, 0);

		if (value > (int64_t)to[p] && value <= UINT32_MAX)
			to[p] = (float)value;
	}
}

static uint32_t count_at(const struct json *o, size_t at)
{
	int64_t value = json_int(json_at(o, "counts", at), NULL, 0);

	return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static void take_counts(const struct json *o, struct entry *e)
{
	struct window *day = &e->window[FLOOD_1D];

	if (json_count(o, "counts") != COUNTS)
		return;
	for (size_t w = 0, at = 0; w < FLOOD_WINDOWS; w++, at += COUNTS_EACH)
		e->window[w] = (struct window){.bucket = count_at(o, at),
		    .current = count_at(o, at + 1),
		    .previous = count_at(o, at + 2),
		    .messages = count_at(o, at + 3),
		    .messages_before = count_at(o, at + 4)};
	e->told = count_at(o, COUNTS - 2);
	e->told_before = count_at(o, COUNTS - 1);
	if (e->told > day->current)
		e->told = day->current;
	if (e->told_before > day->previous)
		e->told_before = day->previous;
}

/* The entry as of `when`; NULL if there is no room for it. */
static struct entry *entry_at(
    struct flood *f, enum flood_kind kind, const struct flood_key *k, int64_t when)
{
	bool is_new;
	struct entry *e = table_get(&f->table[kind], flood_hash_of(f, k), k, when, &is_new);

	if (e && is_new) {
		e->exempt = flood_is_exempt(&f->config, kind, k->text);
		e->last = (uint32_t)(when / USEC_PER_SEC);
	}
	return e;
}

/* Returns 0 and the entry (or NULL), or ERR_SYNTAX. */
static int entry_of_line(struct flood *f, const struct json *o, enum flood_kind kind,
    const char *key, struct entry **ret)
{
	int64_t day = json_int(o, "day", 0);
	struct flood_key k;

	if (day < 1 || day > UINT16_MAX)
		return ERR_SYNTAX;
	flood_key_text(&k, key, false);
	*ret = entry_at(f, kind, &k, day * 86400 * USEC_PER_SEC);
	if (*ret)
		take_floats(o, "peak", (*ret)->peak);
	return 0;
}

static int restore_entry(
    struct flood *f, const struct json *o, enum flood_kind kind, const char *key)
{
	int64_t day = json_int(o, "day", 0), pending = json_int(o, "pending_day", 0);
	struct entry *e = NULL;
	int code = pending < 0 || pending > day ? ERR_SYNTAX : entry_of_line(f, o, kind, key, &e);

	if (code < 0 || !e)
		return code;
	take_floats(o, "pending", e->pending);
	if (pending && !e->pending_day)
		e->pending_day = (uint16_t)pending;
	e->shun = (uint16_t)json_int(o, "shun", 0);
	take_counts(o, e);
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
			      ? entry_at(f, kind, &k, i->last > 0 ? i->last : 1)
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

static int restore_head(struct flood *f, const struct json *line)
{
	int64_t next = json_int(line, "next_id", 0);

	if (next < 1 || next > UINT32_MAX / 2)
		return ERR_SYNTAX;
	f->started = json_int(line, "started", 0);
	f->counted = f->now = json_int(line, "counted", 0);
	if (f->next_id < next)
		f->next_id = (uint32_t)next;
	return 0;
}

static int kind_of_line(const struct json *line, enum flood_kind *ret, const char **ret_key)
{
	const char *word = json_text(line, "kind");

	*ret_key = json_text(line, "key");
	return word && *ret_key && **ret_key ? flood_kind_of(word, ret) : ERR_SYNTAX;
}

int flood_restore(struct flood *f, const struct json *line)
{
	enum flood_kind kind;
	const char *key;

	if (!json_text(line, "kind"))
		return restore_head(f, line);
	if (kind_of_line(line, &kind, &key) != 0)
		return ERR_SYNTAX;
	return json_int(line, "id", 0) ? restore_incident(f, line, kind, key)
				       : restore_entry(f, line, kind, key);
}

int64_t flood_counted_until(const struct flood *f)
{
	return f->counted;
}

static bool was_bad(const struct flood *f, enum flood_kind kind, const char *key)
{
	for (size_t n = 0; n < FLOOD_INCIDENTS_MAX; n++) {
		const struct flood_incident *i = &f->incident[n];

		if (i->id && i->mark == FLOOD_BAD && i->kind == kind && strcmp(i->key, key) == 0)
			return true;
	}
	return false;
}

int flood_learn(struct flood *f, const struct json *line)
{
	enum flood_kind kind;
	struct entry *e;
	const char *key;

	if (kind_of_line(line, &kind, &key) != 0 || json_int(line, "id", 0))
		return ERR_SYNTAX;
	return was_bad(f, kind, key) ? 0 : entry_of_line(f, line, kind, key, &e);
}

void flood_settle(struct flood *f)
{
	for (size_t at = 0; at < TABLE_ENTRIES; at++) {
		struct entry *e = f->table[0].list + at;

		/* Unfinished buckets count as well. */
		table_roll(e, (e->last + 2 * INT64_C(86400)) * USEC_PER_SEC, false);
		table_settle(e);
	}
}

void flood_lifted(struct flood *f, flood_told *told, void *arg)
{
	for (size_t at = 0; at < TABLE_ENTRIES; at++) {
		const struct entry *e = f->table[0].list + at;
		enum flood_kind kind = kind_at(f, at);

		if (e->name[0] && flood_is_lifted(f, kind, e)) {
			const uint32_t peak[FLOOD_WINDOWS] = {
			    (uint32_t)e->peak[0], (uint32_t)e->peak[1], (uint32_t)e->peak[2]};

			told(arg, kind, e->name, peak);
		}
	}
}
