/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "mail/group.h"
#include "order/order_private.h"
#include "postfix/spool/reason_fold.h"

#define TEXT_MAX 256
#define PATIENCE (2 * USEC_PER_SEC)
#define MINUTE   (60 * USEC_PER_SEC)

struct fact {
	const char *text;
	uint64_t count;
};

static void count(struct fact_table *t, const char *text, uint64_t times)
{
	size_t n;

	t->names.value_size = sizeof(struct fact);
	if (labels_number(&t->names, text, FACTS_KEYS, &n) == 0)
		((struct fact *)t->names.values)[n].count += times;
	else
		t->others += times;
}

void facts_release(struct facts *facts)
{
	for (size_t n = 0; n < FACT_TABLES; n++)
		labels_release(&facts->tables[n].names);
	*facts = (struct facts){0};
}

/* The most frequent first. *ret_told: how many are written. */
static const struct fact *sort_table(struct fact_table *t, size_t *ret_told)
{
	*ret_told = t->names.count < FACTS_TOLD ? t->names.count : FACTS_TOLD;
	return labels_sort(&t->names, labels_by_count);
}

struct reading {
	const struct postfix *p;
	const struct outcome *outcome;
	size_t every; /* read every nth message */
	struct facts facts;
	struct strbuf folded;
};

static int visit_reason(void *arg, const struct spool_reason *reason)
{
	struct reading *r = arg;

	reason_fold(reason->text, &r->folded);
	if (r->folded.len > TEXT_MAX)
		r->folded.text[TEXT_MAX] = '\0';
	count(&r->facts.tables[FACT_REASONS], strbuf_text(&r->folded), 1);
	return 0;
}

static int read_reasons(void *arg, struct bytes *out, struct err *err)
{
	struct reading *r = arg;
	AUTO(queue_close) struct queue queue;
	size_t ahead = 0, told;
	int code = queue_open(r->p, &queue, err);

	if (code < 0)
		return code;
	for (size_t n = 0; n < r->outcome->count; n++) {
		struct queue_id id = candidate_id(r->outcome->items[n].candidate);

		if (item_is(&r->outcome->items[n], IS_OPEN | IS_READY) && ahead++ % r->every == 0)
			(void)!spool_reasons_visit(&queue, &id, visit_reason, r);
	}
	const struct fact *list = sort_table(&r->facts.tables[FACT_REASONS], &told);
	for (size_t n = 0; n < told; n++) {
		bytes_put_text(out, list[n].text);
		bytes_put_u64(out, list[n].count);
	}
	facts_release(&r->facts);
	strbuf_release(&r->folded);
	return 0;
}

static void take_reasons(struct facts *facts, const struct blob *blob)
{
	struct reader r = reader_of(blob->at, blob->len);

	for (size_t n = 0; n < FACTS_TOLD && !reader_done(&r) && !r.failed; n++) {
		char text[TEXT_MAX + 1];

		str_scrub(text, sizeof(text), reader_text(&r));
		count(&facts->tables[FACT_REASONS], text, reader_u64(&r));
	}
}

void facts_read_reasons(struct facts *facts, const struct postfix *p, const struct outcome *outcome)
{
	struct reading r = {.p = p, .outcome = outcome};
	AUTO(blob_release) struct blob blob = {0};
	size_t ahead = 0;

	for (size_t n = 0; n < outcome->count; n++)
		ahead += item_is(&outcome->items[n], IS_OPEN | IS_READY);
	r.every = (ahead + FACTS_REASONS - 1) / FACTS_REASONS;
	if (ahead > 0 && role_ask(&p->owner, p->stop, PATIENCE, read_reasons, &r, &blob, NULL) == 0)
		take_reasons(facts, &blob);
}

static void count_domain(struct fact_table *t, const char *address)
{
	struct domain domain;

	message_domain(address, &domain);
	count(t, *address ? domain.text : "<>", 1);
}

static void count_item(struct facts *facts, const struct item *item)
{
	struct message m = candidate_message(item->candidate);
	const struct strlist *recipients = m.queued.known ? &m.queued.recipients : &m.recipients;
	char client[NET_TEXT_SIZE], buf[MESSAGE_TEXT_MAX + 1];
	const char *login = group_login(&m, facts->login_exact, buf);

	count_domain(&facts->tables[FACT_SENDERS], message_sender(&m));
	strlist_each (recipient, recipients)
		count_domain(&facts->tables[FACT_RECIPIENTS], recipient);
	if (*login)
		count(&facts->tables[FACT_LOGINS], login, 1);
	net_text(message_client(&m, NULL), client);
	if (*client)
		count(&facts->tables[FACT_CLIENTS], client, 1);
}

static struct json *with_count(struct json *o, uint64_t times)
{
	json_put_int(o, "count", (int64_t)times);
	return o;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void put_minutes(struct json *o, int64_t *minutes, size_t total)
{
	struct json *list = json_new_array();
	size_t different = 0;

	qsort(minutes, total, sizeof(*minutes), by_time);
	for (size_t n = 0; n < total; n++)
		different += n == 0 || minutes[n] != minutes[n - 1];
	for (size_t begin = 0, end; begin < total; begin = end) {
		struct json *pair;

		for (end = begin + 1; end < total && minutes[end] == minutes[begin];)
			end++;
		if (different-- > FACTS_MINUTES)
			continue;
		pair = json_new();
		json_put_int(pair, "time", minutes[begin] * 60);
		json_append(list, with_count(pair, end - begin));
	}
	json_put(o, "arrivals", list);
}

static void put_table(struct json *o, const char *key, struct fact_table *t)
{
	struct json *list = json_new_array();
	size_t told;
	const struct fact *facts = sort_table(t, &told);
	uint64_t others = t->others;

	for (size_t n = 0; n < told; n++) {
		struct json *pair = json_new();

		json_put_text(pair, "is", facts[n].text);
		json_append(list, with_count(pair, facts[n].count));
	}
	for (size_t n = told; n < t->names.count; n++)
		others += facts[n].count;
	json_put(o, key, list);
	if (others > 0) {
		char name[32];

		snprintf(name, sizeof(name), "other_%s", key);
		json_put_int(o, name, (int64_t)others);
	}
}

int facts_line(
    struct facts *facts, const struct outcome *outcome, uint64_t batch, struct strbuf *ret)
{
	int64_t *minutes = calloc(outcome->count + 1, sizeof(*minutes));
	struct json *o = json_new();
	size_t total = 0;

	for (size_t n = 0; minutes && n < outcome->count; n++) {
		if (outcome->items[n].result != RESULT_DONE)
			continue;
		count_item(facts, &outcome->items[n]);
		minutes[total++] = order_arrival(&outcome->items[n]) / MINUTE;
	}
	json_put_int(o, "facts", (int64_t)batch);
	if (minutes)
		put_minutes(o, minutes, total);
	for (size_t n = 0; n < FACT_TABLES; n++)
		put_table(o, fact_keys[n], &facts->tables[n]);
	free(minutes);
	return json_write(ret, o);
}
