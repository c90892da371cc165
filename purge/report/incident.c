/* SPDX-License-Identifier: ISC */
#include "purge/report/incident.h"

#include <stdarg.h>

#include "base/clock.h"

#define MINUTE     60
#define LATEST     INT64_C(10000000000) /* seconds; a later arrival counts as unknown */
#define NAMES_MAX  100000               /* of a table; further names only add to its sum */
#define RULES_MOST 50

static int64_t minute_of(int64_t wall)
{
	return wall / USEC_PER_SEC / MINUTE * MINUTE;
}

/* time: the first second of the minute. */
static void add_minute(struct incident *i, int64_t time, enum incident_fate fate, uint64_t count)
{
	struct incident_minute m = {.time = time};

	m.counts[fate] = count;
	if (count == 0)
		return;
	if (time <= 0 || time > LATEST)
		i->undated += count;
	else if (array_add(&i->minutes, m) < 0)
		i->failed = true;
}

static int by_time(const void *a, const void *b)
{
	const struct incident_minute *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

/* Merges minutes within the same `width` seconds. Sorted before and after. */
static void merge(struct incident_minutes *m, int64_t width)
{
	size_t kept = 0;

	for (size_t n = 0; n < m->count; n++) {
		struct incident_minute one = m->list[n];

		one.time = one.time / width * width;
		if (kept == 0 || m->list[kept - 1].time != one.time) {
			m->list[kept++] = one;
			continue;
		}
		for (size_t fate = 0; fate < FATES; fate++)
			m->list[kept - 1].counts[fate] += one.counts[fate];
	}
	m->count = kept;
}

int incident_bars(
    const struct incident_minutes *m, size_t max, int64_t *ret_width, struct incident_minutes *ret)
{
	static const int64_t minutes[] = {1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440};
	int64_t span = m->count ? m->list[m->count - 1].time - m->list[0].time : 0, width = MINUTE;
	size_t at = 0;

	while (span / width >= (int64_t)max)
		width = ++at < COUNT_OF(minutes) ? minutes[at] * MINUTE : width * 2;
	*ret_width = width;
	*ret = (struct incident_minutes){
	    .list = calloc(m->count + 1, sizeof(*ret->list)), .count = m->count};
	if (!ret->list)
		return -ENOMEM;
	if (m->count)
		memcpy(ret->list, m->list, m->count * sizeof(*ret->list));
	merge(ret, width);
	return 0;
}

void incident_add_count(struct incident *i, enum fact_kind table, enum incident_column column,
    const char *name, uint64_t count)
{
	struct incident_table *t = &i->tables[table];
	size_t at;

	if (count == 0)
		return;
	t->used[column] = true;
	t->names.value_size = sizeof(struct incident_row);
	int code = labels_number(&t->names, name, NAMES_MAX, &at);
	if (code == 0)
		((struct incident_row *)t->names.values)[at].counts[column] += count;
	else if (code == ERR_LIMIT)
		t->others[column] += count;
	else
		i->failed = true;
}

static uint64_t sum(const struct incident_row *row)
{
	uint64_t all = 0;

	for (size_t n = 0; n < COLUMNS; n++)
		all += row->counts[n];
	return all;
}

static int by_count(const void *a, const void *b)
{
	const struct incident_row *x = a, *y = b;

	if (sum(x) != sum(y))
		return sum(x) < sum(y) ? 1 : -1;
	return strcmp(x->name, y->name);
}

static enum incident_column column_of(enum ledger_effect effect)
{
	return effect == EFFECT_DELETES ? COLUMN_DELETED
	       : effect == EFFECT_HOLDS ? COLUMN_HELD
					: COLUMN_OTHER;
}

static void add_tables(struct incident *i, const struct recalled *r)
{
	enum incident_column column = column_of(r->effect);

	for (int t = 0; t < FACT_TABLES; t++) {
		const struct recall_table *from = &r->tables[t];

		for (size_t n = 0; n < from->count; n++)
			incident_add_count(
			    i, (enum fact_kind)t, column, from->list[n].is, from->list[n].count);
		i->tables[t].others[column] += from->others;
		i->tables[t].used[column] |= from->others > 0;
	}
}

/* Facts leave out mail without a login and local mail, which make up the difference to the batch's
 * count. If a later command adopted the batch, facts cover only a part, so nothing is added. */
static void add_nameless(struct incident *i, const struct batch *b, const struct recalled *r)
{
	static const enum fact_kind tables[] = {FACT_LOGINS, FACT_CLIENTS};

	for (size_t n = 0; r->facts && !r->adopted && n < COUNT_OF(tables); n++) {
		const struct recall_table *t = &r->tables[tables[n]];
		uint64_t named = t->others;

		for (size_t at = 0; at < t->count; at++)
			named += t->list[at].count;
		if (b->done > named)
			incident_add_count(i, tables[n], column_of(r->effect), "", b->done - named);
	}
}

static void note_missing(struct incident *i, const struct batch *b, const struct recalled *r)
{
	if (b->state == ACCOUNT_REFUSED || (r && r->facts) || b->matched + b->done == 0)
		return;
	if (b->running)
		incident_note(i,
		    "Batch %" PRIu64
		    " still runs. Its senders, recipients and reasons are recorded when it ends.",
		    b->number);
	else if (b->state == ACCOUNT_UNFINISHED || (r && r->ids && b->state != ACCOUNT_DONE))
		incident_note(i,
		    "Batch %" PRIu64 " was interrupted before its senders, recipients and reasons "
		    "were recorded. They are unknown.",
		    b->number);
	else
		incident_note(i,
		    "The account was rewritten since, and no longer has the senders, recipients "
		    "and reasons of batch %" PRIu64 ".",
		    b->number);
}

void incident_add_batch(
    struct incident *i, const struct batch *batch, const struct recalled *recalled)
{
	struct incident_act act = {batch, recalled};

	if (array_add(&i->acts, act) < 0)
		i->failed = true;
	if (batch->time > 0 && (i->began == 0 || batch->time < i->began))
		i->began = batch->time;
	if (recalled) {
		add_tables(i, recalled);
		add_nameless(i, batch, recalled);
	}
	note_missing(i, batch, recalled);
	if (recalled && recalled->adopted)
		incident_note(i,
		    "Batch %" PRIu64 " was interrupted, and a later command continued it.",
		    batch->number);
}

/* What a batch did to its messages. False for a batch that undoes a hold, because the hold counts
 * the same messages as released. */
static bool fate_of(const struct incident_act *act, enum incident_fate *ret)
{
	switch (act->recalled->effect) {
	case EFFECT_DELETES:
		*ret = FATE_DELETED;
		return true;
	case EFFECT_HOLDS:
		*ret = act->batch->state == ACCOUNT_UNDONE ? FATE_FREED : FATE_HELD;
		return true;
	case EFFECT_FREES:
		*ret = FATE_FREED;
		return act->recalled->undoes.count == 0;
	default:
		return false;
	}
}

/* For a batch whose IDs the account has lost. */
static void add_arrivals(struct incident *i, const struct incident_act *act)
{
	const struct recall_minutes *m = &act->recalled->arrivals;
	enum incident_fate fate = FATE_DELETED;
	uint64_t dated = 0;

	if (!fate_of(act, &fate))
		return;
	for (size_t n = 0; n < m->count; n++) {
		add_minute(i, m->list[n].time / MINUTE * MINUTE, fate, m->list[n].count);
		dated += m->list[n].count;
	}
	if (act->batch->done > dated)
		i->undated += act->batch->done - dated;
	i->twice |= i->acts.count > 1;
}

static void add_entries(
    struct incident *i, const struct account_entries *e, enum incident_fate fate)
{
	for (size_t n = 0; n < e->count; n++)
		add_minute(i, minute_of(e->list[n].arrival_time), fate, 1);
}

void incident_add_messages(struct incident *i, const struct recall *recall)
{
	for (size_t n = 0; n < i->acts.count; n++) {
		const struct incident_act *act = &i->acts.list[n];

		if (act->recalled && !act->recalled->ids)
			add_arrivals(i, act);
	}
	add_entries(i, &recall->messages[EFFECT_DELETES], FATE_DELETED);
	add_entries(i, &recall->messages[EFFECT_HOLDS], FATE_HELD);
	add_entries(i, &recall->messages[EFFECT_FREES], FATE_FREED);
}

void incident_add_waiting(
    struct incident *i, int64_t arrival, int64_t size, enum queue_name queue, bool counted)
{
	struct incident_left *left = &i->left;

	left->messages++;
	left->bytes += size > 0 ? (uint64_t)size : 0;
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		left->queues[n] += queue_at(n) == queue;
	left->since += i->began > 0 && arrival > i->began;
	if (arrival > 0 && (left->oldest == 0 || arrival < left->oldest))
		left->oldest = arrival;
	if (arrival > left->newest)
		left->newest = arrival;
	if (!counted)
		add_minute(i, minute_of(arrival), FATE_WAITING, 1);
}

void incident_add_rule(struct incident *i, const struct rule *rule)
{
	if (i->rules.count == RULES_MOST)
		i->rules_left_out++;
	else if (array_add(&i->rules, rule) < 0)
		i->failed = true;
}

void incident_note(struct incident *i, const char *format, ...)
{
	char text[1024];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	strlist_push(&i->notes, text, strlen(text));
}

char *incident_origin(const struct batch *batch, char *buf, size_t size)
{
	static const struct {
		const char *prefix, *words;
	} origins[] = {{"fleet:", "fleet order "}, {"flood:", "the flood watch, flood "},
	    {"standing:", "standing order "}};

	for (size_t n = 0; n < COUNT_OF(origins); n++)
		if (str_starts(batch->token, origins[n].prefix)) {
			snprintf(buf, size, "%s%s", origins[n].words,
			    batch->token + strlen(origins[n].prefix));
			return buf;
		}
	snprintf(buf, size, "%s", batch->uid ? "through the order door" : "");
	return buf;
}

const char *incident_state(const struct batch *batch)
{
	static const char *const words[ACCOUNT_STATES] = {[ACCOUNT_DONE] = "done",
	    [ACCOUNT_UNFINISHED] = "interrupted",
	    [ACCOUNT_UNDONE] = "undone",
	    [ACCOUNT_REFUSED] = "refused",
	    [ACCOUNT_STANDING] = "in force"};

	return batch->running ? "running" : words[batch->state];
}

static int by_number(const void *a, const void *b)
{
	const struct incident_act *x = a, *y = b;

	return (x->batch->number > y->batch->number) - (x->batch->number < y->batch->number);
}

int incident_close(struct incident *i)
{
	array_sort(&i->acts, by_number);
	array_sort(&i->minutes, by_time);
	merge(&i->minutes, MINUTE);
	if (i->rules_left_out)
		incident_note(i,
		    i->rules_left_out == 1
			? "%zu more rule that was set since is left out here."
			: "%zu more rules that were set since are left out here.",
		    i->rules_left_out);
	for (size_t n = 0; n < FACT_TABLES; n++) {
		i->tables[n].count = i->tables[n].names.count;
		i->tables[n].rows = labels_sort(&i->tables[n].names, by_count);
	}
	return i->failed || i->notes.failed ? -ENOMEM : 0;
}

void incident_release(struct incident *i)
{
	for (size_t n = 0; n < FACT_TABLES; n++)
		labels_release(&i->tables[n].names);
	free(i->acts.list);
	free(i->rules.list);
	free(i->minutes.list);
	strbuf_release(&i->notes);
	*i = (struct incident){0};
}
