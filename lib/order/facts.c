/* SPDX-License-Identifier: ISC */
/* What a report is made of. */
#include "order/facts.h"

#include <errno.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "postfix/tool/fold.h"

#define PLACES   (2 * (size_t)FACTS_KEYS)
#define TEXT_MAX 256
#define PATIENCE (2 * USEC_PER_SEC)
#define MINUTE   (60 * USEC_PER_SEC)

/* ---- counting */

void fact_table_add(struct fact_table *t, const char *text, uint64_t count)
{
	size_t at = bytes_hash(text, strlen(text)) % PLACES;

	if (!t->list)
		t->list = calloc(PLACES, sizeof(*t->list));
	if (!t->list)
		return;
	while (t->list[at].text && strcmp(t->list[at].text, text) != 0)
		at = (at + 1) % PLACES;
	if (!t->list[at].text && t->used < FACTS_KEYS) {
		t->list[at].text = strdup(text);
		t->used += t->list[at].text != NULL;
	}
	if (t->list[at].text)
		t->list[at].count += count;
	else
		t->others += count;
}

void fact_table_release(struct fact_table *t)
{
	for (size_t n = 0; t->list && n < PLACES; n++)
		free(t->list[n].text);
	free(t->list);
	*t = (struct fact_table){0};
}

static int by_count(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->text && y->text ? strcmp(x->text, y->text) : 0;
}

/* The most frequent first. It can only be told after that. */
static size_t sort_table(struct fact_table *t)
{
	if (t->used > 0)
		qsort(t->list, PLACES, sizeof(*t->list), by_count);
	return t->used < FACTS_TOLD ? t->used : FACTS_TOLD;
}

/* ---- reasons */

struct reading {
	const struct postfix *p;
	const struct outcome *outcome;
	size_t every; /* one of so many */
	struct fact_table table;
	struct strbuf folded;
};

static int visit_reason(void *arg, const char *recipient, const char *reason)
{
	struct reading *r = arg;

	(void)recipient;
	fold_reason(reason, &r->folded);
	if (r->folded.len > TEXT_MAX)
		r->folded.text[TEXT_MAX] = '\0';
	fact_table_add(&r->table, strbuf_text(&r->folded), 1);
	return 0;
}

static bool is_ahead(const struct item *item)
{
	return item->result == RESULT_NONE || item->result == RESULT_READY;
}

static int read_reasons(void *arg, struct bytes *out, struct err *err)
{
	struct reading *r = arg;
	struct queue_layout layout;
	int dir = queue_directory_open(r->p, err);
	size_t ahead = 0, told;

	if (dir < 0)
		return dir;
	queue_layout_read(&layout, dir);
	for (size_t n = 0; n < r->outcome->count; n++) {
		struct queue_id id;

		if (!is_ahead(&r->outcome->items[n]) || ahead++ % r->every != 0)
			continue;
		id = candidate_id(r->outcome->items[n].candidate);
		(void)!spool_reasons_visit(&layout, dir, &id, visit_reason, r);
	}
	told = sort_table(&r->table);
	for (size_t n = 0; n < told; n++) {
		bytes_put_text(out, r->table.list[n].text);
		bytes_put_u64(out, r->table.list[n].count);
	}
	fact_table_release(&r->table);
	strbuf_release(&r->folded);
	io_close(&dir);
	return 0;
}

void facts_read_reasons(
    const struct postfix *p, const struct outcome *outcome, struct fact_table *ret)
{
	struct reading r = {.p = p, .outcome = outcome};
	struct role_child child = {.stop = p->stop};
	struct blob blob = {0};
	size_t ahead = 0;

	for (size_t n = 0; n < outcome->count; n++)
		ahead += is_ahead(&outcome->items[n]);
	r.every = (ahead + FACTS_REASONS - 1) / FACTS_REASONS;
	if (ahead == 0 || role_start(&child, &p->owner, read_reasons, &r, NULL) < 0)
		return;
	if (role_finish(&child, clock_steady() + PATIENCE, &blob, NULL) == 0) {
		struct reader from = reader_of(blob.at, blob.len);

		for (size_t n = 0; n < FACTS_TOLD && !reader_done(&from) && !from.failed; n++) {
			char text[TEXT_MAX + 1];

			str_scrub(text, sizeof(text), reader_text(&from));
			fact_table_add(ret, text, reader_u64(&from));
		}
	}
	blob_release(&blob);
}

/* ---- the line */

enum { SENDERS, RECIPIENTS, LOGINS, CLIENTS, TABLES };

struct gathering {
	struct fact_table tables[TABLES];
	int64_t *minutes; /* of arrival */
	size_t count;
};

static void add_domain(struct fact_table *t, const char *address)
{
	struct domain domain;

	message_domain(address, &domain);
	fact_table_add(t, *address ? domain.text : "<>", 1);
}

static void add_item(struct gathering *g, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	const struct strlist *recipients = m.queued.known ? &m.queued.recipients : &m.recipients;
	const char *login = message_login(&m);
	char client[NET_TEXT_SIZE];
	int64_t arrival = item->proof.arrival_time;

	add_domain(&g->tables[SENDERS], message_sender(&m));
	strlist_each (recipient, recipients)
		add_domain(&g->tables[RECIPIENTS], recipient);
	if (*login)
		fact_table_add(&g->tables[LOGINS], login, 1);
	net_text(message_client(&m, NULL), client);
	if (*client)
		fact_table_add(&g->tables[CLIENTS], client, 1);
	g->minutes[g->count++] = (arrival > 0 ? arrival : message_arrival(&m)) / MINUTE;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct json *pair_of(const char *text, int64_t minute, uint64_t count)
{
	struct json *pair = json_new();

	if (text)
		json_put_text(pair, "is", text);
	else
		json_put_int(pair, "time", minute * 60);
	json_put_int(pair, "count", (int64_t)count);
	return pair;
}

static void put_minutes(struct json *o, struct gathering *g)
{
	struct json *list = json_new_array();
	size_t begin = 0, different = 0;

	qsort(g->minutes, g->count, sizeof(*g->minutes), by_time);
	for (size_t n = 0; n < g->count; n++)
		different += n == 0 || g->minutes[n] != g->minutes[n - 1];
	for (size_t n = 1; n <= g->count; n++) {
		if (n < g->count && g->minutes[n] == g->minutes[begin])
			continue;
		if (different-- <= FACTS_MINUTES)
			json_append(list, pair_of(NULL, g->minutes[begin], n - begin));
		begin = n;
	}
	json_put(o, "arrivals", list);
}

static void put_table(struct json *o, const char *key, struct fact_table *t)
{
	struct json *list = json_new_array();
	size_t told = sort_table(t);
	uint64_t others = t->others;

	for (size_t n = 0; n < told; n++)
		json_append(list, pair_of(t->list[n].text, 0, t->list[n].count));
	for (size_t n = told; n < t->used; n++)
		others += t->list[n].count;
	json_put(o, key, list);
	if (others > 0) {
		char name[32];

		snprintf(name, sizeof(name), "other_%s", key);
		json_put_int(o, name, (int64_t)others);
	}
}

static int write_line(
    struct gathering *g, uint64_t batch, const struct fact_table *reasons, struct strbuf *ret)
{
	static const char *const keys[TABLES] = {"senders", "recipients", "logins", "clients"};
	struct fact_table why = {0};
	struct json *o = json_new();

	json_put_int(o, "facts", (int64_t)batch);
	put_minutes(o, g);
	for (size_t n = 0; n < TABLES; n++)
		put_table(o, keys[n], &g->tables[n]);
	for (size_t n = 0; reasons->list && n < PLACES; n++)
		if (reasons->list[n].text)
			fact_table_add(&why, reasons->list[n].text, reasons->list[n].count);
	put_table(o, "reasons", &why);
	fact_table_release(&why);
	return json_write(ret, o);
}

int facts_line(const struct outcome *outcome, uint64_t batch, const struct fact_table *reasons,
    struct strbuf *ret)
{
	struct gathering g = {.minutes = calloc(outcome->count + 1, sizeof(*g.minutes))};
	int code = -ENOMEM;

	if (!g.minutes)
		return code;
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_DONE)
			add_item(&g, &outcome->items[n]);
	code = write_line(&g, batch, reasons, ret);
	while (code == 0 && ret->len > 0 && ret->text[ret->len - 1] == '\n')
		ret->text[--ret->len] = '\0';
	for (size_t n = 0; n < TABLES; n++)
		fact_table_release(&g.tables[n]);
	free(g.minutes);
	return code;
}
