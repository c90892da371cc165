/* SPDX-License-Identifier: ISC */
/* The account as a whole: its batches, and their messages. */
#include "order/ledger.h"

#include <errno.h>

#include "order/grow.h"

/* ---- batches */

static enum ledger_effect effect_of(const struct json *begin)
{
	static const struct {
		const char *verb;
		enum ledger_effect effect;
	} rows[] = {{"hold", EFFECT_HOLDS}, {"release", EFFECT_FREES}, {"undo", EFFECT_FREES},
	    {"purge", EFFECT_DELETES}};
	const char *verb = json_text(begin, "verb");

	for (size_t n = 0; verb && n < COUNT_OF(rows); n++)
		if (strcmp(verb, rows[n].verb) == 0)
			return rows[n].effect;
	return EFFECT_NONE;
}

struct ledger_batch *ledger_find(const struct ledger *ledger, uint64_t number)
{
	size_t low = 0, high = ledger->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ledger->list[middle].number == number)
			return &ledger->list[middle];
		if (ledger->list[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Numbers ascend in the file. */
static int add_batch(struct ledger *ledger, const struct account_line *line, struct json *begin)
{
	struct ledger_batch *list;

	if (ledger->count > 0 && ledger->list[ledger->count - 1].number >= line->number) {
		json_free(begin);
		return 0;
	}
	list = grown(ledger->list, ledger->count, &ledger->cap, sizeof(*list));
	if (!list) {
		json_free(begin);
		return -ENOMEM;
	}
	ledger->list = list;
	list[ledger->count++] = (struct ledger_batch){
	    .number = line->number, .effect = effect_of(begin), .begin = begin};
	return 0;
}

static void end_batch(struct ledger *ledger, uint64_t number, struct json *end)
{
	struct ledger_batch *batch = ledger_find(ledger, number);
	struct ledger_batch *other;

	if (!batch) {
		json_free(end);
		return;
	}
	json_free(batch->end);
	batch->end = end;
	batch->ended = true;
	if (json_bool(end, "undone", false))
		batch->undone = true;
	for (size_t n = 0; n < json_count(end, "undid"); n++) {
		other = ledger_find(ledger, (uint64_t)json_int(json_at(end, "undid", n), NULL, 0));
		if (other)
			other->undone = true;
	}
}

/* The part is the second member; these lines are many and long, and are not taken apart here. */
static void count_part(struct ledger *ledger, const struct account_line *line)
{
	struct ledger_batch *batch = ledger_find(ledger, line->number);
	const char *part = strstr(line->text, ",\"part\":");
	unsigned long number = part ? strtoul(part + strlen(",\"part\":"), NULL, 10) : 0;

	if (batch && number < UINT32_MAX && number > batch->parts)
		batch->parts = (uint32_t)number;
}

static int visit_batch(void *arg, const struct account_line *line)
{
	struct ledger *ledger = arg;
	struct json *o = NULL;

	if (line->number > ledger->highest && line->kind != LINE_KEPT)
		ledger->highest = line->number;
	if (line->kind == LINE_CHUNK)
		count_part(ledger, line);
	else if (line->kind == LINE_KEPT)
		ledger->kept = line->number;
	if (line->kind != LINE_BEGIN && line->kind != LINE_END)
		return 0;
	if (json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	if (line->kind == LINE_BEGIN)
		return add_batch(ledger, line, o);
	end_batch(ledger, line->number, o);
	return 0;
}

int ledger_read(const struct account_log *log, struct ledger *ret, struct err *err)
{
	struct ledger ledger = {0};
	int code = account_log_read(log, visit_batch, &ledger, err);

	for (size_t n = 0; code == 0 && n < ledger.count; n++)
		if (!ledger.list[n].ended)
			ledger.list[n].running = account_log_is_running(log, ledger.list[n].number);
	if (code < 0)
		ledger_release(&ledger);
	else
		*ret = ledger;
	return code;
}

void ledger_release(struct ledger *ledger)
{
	for (size_t n = 0; n < ledger->count; n++) {
		json_free(ledger->list[n].begin);
		json_free(ledger->list[n].end);
	}
	free(ledger->list);
	*ledger = (struct ledger){0};
}

/* ---- messages */

/* A part of which no word has come so far. */
struct part {
	uint64_t batch;
	uint32_t number;
	uint32_t line;
	char *ids;
};

struct collecting {
	const struct ledger *ledger;
	struct ledger_entries *into;
	struct part *parts;
	size_t count, cap;
	uint32_t line; /* so many were visited */
};

static int add_entry(struct ledger_entries *e, const struct ledger_entry *entry)
{
	struct ledger_entry *list = grown(e->list, e->count, &e->cap, sizeof(*list));

	if (!list)
		return -ENOMEM;
	e->list = list;
	list[e->count++] = *entry;
	return 0;
}

/* A text that is damaged counts as far as it goes. */
static int add_ids(struct ledger_entries *e, const struct ledger_batch *batch, const char *ids,
    uint32_t line, bool doubt)
{
	struct ledger_entry entry = {
	    .batch = batch->number, .effect = batch->effect, .order = line, .doubt = doubt};
	int code = 0;

	while (code == 0 && account_entry_next(&ids, &entry.message) == 1)
		code = add_entry(e, &entry);
	return code;
}

static int add_part(struct collecting *c, uint64_t batch, uint32_t number, const char *ids)
{
	struct part *parts = grown(c->parts, c->count, &c->cap, sizeof(*parts));

	if (!parts)
		return -ENOMEM;
	c->parts = parts;
	parts[c->count] = (struct part){batch, number, c->line, strdup(ids)};
	return parts[c->count++].ids ? 0 : -ENOMEM;
}

/* The place of a part, or `count`. */
static size_t find_part(const struct collecting *c, uint64_t batch, uint32_t number)
{
	for (size_t n = c->count; n > 0; n--)
		if (c->parts[n - 1].batch == batch && c->parts[n - 1].number == number)
			return n - 1;
	return c->count;
}

static int end_part(struct collecting *c, const struct ledger_batch *batch, const struct json *o)
{
	uint32_t number = (uint32_t)json_int(o, "part", 0);
	const char *ids = json_text(o, "ids");
	size_t at = find_part(c, batch->number, number);
	int code;

	if (!ids && at < c->count)
		ids = c->parts[at].ids;
	code = add_ids(c->into, batch, ids ? ids : "", c->line, false);
	if (at < c->count) {
		free(c->parts[at].ids);
		c->parts[at] = c->parts[--c->count];
	}
	return code;
}

static int visit_part(void *arg, const struct account_line *line)
{
	struct collecting *c = arg;
	const struct ledger_batch *batch;
	struct json *o = NULL;
	int code = 0;

	if (line->kind != LINE_CHUNK && line->kind != LINE_DONE)
		return 0;
	c->line++;
	batch = ledger_find(c->ledger, line->number);
	if (!batch || !batch->wanted || json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	if (line->kind == LINE_DONE)
		code = end_part(c, batch, o);
	else if (json_text(o, "ids"))
		code = add_part(
		    c, line->number, (uint32_t)json_int(o, "part", 0), json_text(o, "ids"));
	json_free(o);
	return code;
}

int ledger_entries(const struct account_log *log, const struct ledger *ledger,
    struct ledger_entries *ret, struct err *err)
{
	struct ledger_entries entries = {0};
	struct collecting c = {.ledger = ledger, .into = &entries};
	int code = account_log_read(log, visit_part, &c, err);

	for (size_t n = 0; n < c.count; n++) {
		const struct ledger_batch *batch = ledger_find(ledger, c.parts[n].batch);

		if (code == 0 && !batch->ended)
			code = add_ids(&entries, batch, c.parts[n].ids, c.parts[n].line, true);
		free(c.parts[n].ids);
	}
	free(c.parts);
	if (code < 0) {
		ledger_entries_release(&entries);
		return code == -ENOMEM ? err_sys(err, ENOMEM, "failed to read the account") : code;
	}
	*ret = entries;
	return 0;
}

void ledger_entries_release(struct ledger_entries *e)
{
	free(e->list);
	*e = (struct ledger_entries){0};
}

static int by_message(const void *a, const void *b)
{
	const struct ledger_entry *x = a, *y = b;
	int order = account_entry_compare(&x->message, &y->message);

	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

void ledger_entries_sort(struct ledger_entries *e)
{
	if (e->count > 1)
		qsort(e->list, e->count, sizeof(*e->list), by_message);
}

size_t ledger_entries_next(const struct ledger_entries *e, size_t begin)
{
	size_t end = begin + 1;

	while (end < e->count &&
	       account_entry_compare(&e->list[begin].message, &e->list[end].message) == 0)
		end++;
	return end;
}
