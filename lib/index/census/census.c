/* SPDX-License-Identifier: ISC */
#include "index/census/census.h"

#include <sys/random.h>

#include "base/array.h"
#include "base/clock.h"
#include "index/census/census_table.h"
#include "index/rows/record.h"

struct name {
	uint64_t hash;
	size_t at; /* in texts */
};

struct census {
	struct census_table tables[GROUP_KINDS];
	struct census_group all;
	uint64_t seed; /* of all hashes, because strangers choose the names */
	bool failed, login_exact;
	/* The groups of the message being counted. */
	ARRAY_OF(struct name) names;
	struct strbuf texts;
};

struct census *census_new(bool login_exact)
{
	struct census *c = calloc(1, sizeof(*c));

	if (c && getrandom(&c->seed, sizeof(c->seed), 0) != (ssize_t)sizeof(c->seed)) {
		free(c);
		return NULL;
	}
	if (c)
		c->login_exact = login_exact;
	return c;
}

void census_free(struct census *c)
{
	if (!c)
		return;
	for (size_t kind = 0; kind < GROUP_KINDS; kind++)
		census_table_release(&c->tables[kind]);
	arrivals_release(&c->all.arrivals);
	free(c->names.list);
	strbuf_release(&c->texts);
	free(c);
}

bool census_failed(const struct census *c)
{
	return c->failed;
}

bool census_answers(const struct census *c, const struct census_question *q)
{
	return !c->failed && c->login_exact == q->login_exact;
}

void census_spoil(struct census *c)
{
	c->failed = true;
}

static int push_name(void *arg, const char *name)
{
	struct census *c = arg;
	size_t len = strlen(name);
	struct name n = {.hash = bytes_hash_seeded(name, len, c->seed), .at = c->texts.len};

	strlist_push(&c->texts, name, len);
	return c->texts.failed ? -ENOMEM : array_add(&c->names, n);
}

static int compare_names(const void *left, const void *right)
{
	const struct name *a = left, *b = right;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* A name that occurs twice counts once. Two names with the same hash count as one. */
static int names_of(struct census *c, const struct message *m, enum group_kind kind)
{
	size_t kept = 0;

	c->names.count = 0;
	strbuf_clear(&c->texts);
	if (group_each(m, kind, c->login_exact, push_name, c) < 0)
		return -ENOMEM;
	if (c->names.count > 1)
		qsort(c->names.list, c->names.count, sizeof(*c->names.list), compare_names);
	for (size_t i = 0; i < c->names.count; i++)
		if (i == 0 || c->names.list[i].hash != c->names.list[kept - 1].hash)
			c->names.list[kept++] = c->names.list[i];
	c->names.count = kept;
	return 0;
}

static int add_to(struct census_table *t, const char *name, uint64_t hash, const struct share *s)
{
	struct census_group *g = census_table_find(t, name, hash);

	if (!g)
		g = census_table_add(t, name, hash);
	return g ? census_table_count(t, g, s) : -ENOMEM;
}

/* A group that is not found was given up: its messages are among the others. */
static void remove_from(
    struct census_table *t, const char *name, uint64_t hash, const struct share *s)
{
	struct census_group *g = census_table_find(t, name, hash);

	if (g) {
		census_group_remove(g, s);
		if (g->count == 0 && t->count > CENSUS_GROUPS / 2)
			census_table_drop(t, g);
		return;
	}
	t->others -= t->others > 0;
}

static int count_kind(struct census *c, const struct message *m, enum group_kind kind,
    const struct share *s, bool add)
{
	struct census_table *t = &c->tables[kind];
	int code = names_of(c, m, kind);

	for (size_t i = 0; i < c->names.count && code == 0; i++) {
		const struct name *n = &c->names.list[i];

		if (add)
			code = add_to(t, c->texts.text + n->at, n->hash, s);
		else
			remove_from(t, c->texts.text + n->at, n->hash, s);
	}
	return code;
}

static void count_record(struct census *c, struct span record, bool add, bool changes, int64_t now)
{
	struct message m;
	int code = 0;

	if (record.len == 0 || c->failed || record_peek(record, &m) != 0)
		return;
	struct share s = {.arrival = message_arrival(&m), .now = now, .changes = changes};
	s.bytes = m.queued.known && m.queued.size > 0 ? (uint64_t)m.queued.size : 0;
	for (size_t kind = 0; kind < GROUP_KINDS && code == 0; kind++)
		code = count_kind(c, &m, (enum group_kind)kind, &s, add);
	if (code == 0 && add)
		code = census_group_add(&c->all, &s);
	else if (code == 0)
		census_group_remove(&c->all, &s);
	c->failed = c->failed || code < 0;
}

void census_change(struct census *c, struct span before, struct span after, int64_t now)
{
	bool changes = before.len > 0 && after.len > 0;

	count_record(c, before, false, changes, now);
	count_record(c, after, true, changes, now);
}

static int compare_groups(const void *left, const void *right)
{
	const struct census_group *a = *(struct census_group *const *)left,
				  *b = *(struct census_group *const *)right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Sorted pointers to the groups that are not empty and whose names contain like. */
static struct census_group **choose(
    const struct census_table *t, const char *like, size_t *ret_count)
{
	struct census_group **list = calloc(t->count + 1, sizeof(struct census_group *));
	size_t count = 0;

	for (size_t i = 0; list && i < t->count; i++)
		if (t->list[i]->count > 0 && str_has_nocase(t->list[i]->name, like))
			list[count++] = t->list[i];
	if (count > 1)
		qsort(list, count, sizeof(struct census_group *), compare_groups);
	*ret_count = count;
	return list;
}

static struct json *put_list(struct census_group **list, size_t count, int64_t now)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json *o = json_new();

		json_put_text(o, "group", list[i]->name);
		census_group_put(list[i], now, o);
		json_append(array, o);
	}
	return array;
}

struct json *census_tell(struct census *c, const struct census_question *q)
{
	struct census_table *t = &c->tables[q->kind];
	size_t count = 0, limit = q->limit < CENSUS_LIST ? q->limit : CENSUS_LIST;
	struct census_group **list = choose(t, q->like, &count);
	struct json *o = list ? json_new() : NULL;

	if (!o) {
		free(list);
		return NULL;
	}
	census_group_put(&c->all, q->now, o);
	json_put_int(o, "groups", (int64_t)count);
	json_put_int(o, "others", (int64_t)t->others);
	json_put(o, "list", put_list(list, count < limit ? count : limit, q->now));
	free(list);
	return o;
}
