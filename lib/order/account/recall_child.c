/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "order/account/recall.h"
#include "order/order_private.h"

#define MINUTES_MAX FACTS_MINUTES

struct recalling {
	const struct recall_wish *wish;
	struct ledger ledger;
	/* One for each batch of the ledger; number 0: it does not belong. */
	struct recalled *batches;
	struct recall_numbers undone; /* by the batch that is asked for */
	size_t left_out;              /* older batches past RECALL_BATCHES */
	struct bytes *out;
};

static size_t position(const struct recalling *r, uint64_t number)
{
	const struct ledger_batch *b = ledger_find(&r->ledger, number);

	return b ? (size_t)(b - r->ledger.list) : SIZE_MAX;
}

static bool has(const struct recall_numbers *numbers, uint64_t number)
{
	for (size_t n = 0; n < numbers->count; n++)
		if (numbers->list[n] == number)
			return true;
	return false;
}

static int read_numbers(const struct json *line, const char *key, struct recall_numbers *ret)
{
	int code = 0;

	for (size_t n = 0; code == 0 && n < json_count(line, key) && n < RECALL_BATCHES; n++) {
		int64_t number = json_int(json_at(line, key, n), NULL, 0);

		if (number > 0)
			code = array_add(ret, (uint64_t)number);
	}
	return code;
}

/* "--flood=12", alone or followed by a colon and its meaning. */
static bool names_flood(const char *selector, uint32_t flood)
{
	char word[32];
	size_t len = (size_t)snprintf(word, sizeof(word), "--flood=%u", (unsigned)flood);

	for (const char *at = selector; (at = strstr(at, word)); at += len)
		if ((at == selector || at[-1] == ' ') && (!at[len] || strchr(" :", at[len])))
			return true;
	return false;
}

static bool is_same_order(const struct recalling *r, const struct batch *b)
{
	size_t at = position(r, r->wish->batch);
	const char *token = at == SIZE_MAX ? "" : r->ledger.list[at].told.token;
	char standing[32];

	snprintf(standing, sizeof(standing), "standing:%" PRIu64, r->wish->batch);
	return b->number == r->wish->batch || has(&r->undone, b->number) ||
	       strcmp(b->token, standing) == 0 || (*token && strcmp(b->token, token) == 0);
}

static bool is_of_flood(const struct batch *b, uint32_t flood)
{
	char token[32];

	snprintf(token, sizeof(token), "flood:%u", (unsigned)flood);
	return strcmp(b->token, token) == 0 || names_flood(b->selector, flood);
}

static bool is_wished(const struct recalling *r, const struct batch *b)
{
	const struct recall_wish *w = r->wish;

	if (w->batch)
		return is_same_order(r, b);
	if (w->flood)
		return is_of_flood(b, w->flood);
	return w->selector && *w->selector && strcmp(b->selector, w->selector) == 0;
}

/* An earlier batch that belongs. */
static bool undoes_one(const struct recalling *r, const struct recall_numbers *undoes)
{
	for (size_t n = 0; n < undoes->count; n++) {
		size_t at = position(r, undoes->list[n]);

		if (at != SIZE_MAX && r->batches[at].number)
			return true;
	}
	return false;
}

static int take_begin(struct recalling *r, size_t at, const struct json *line)
{
	const struct ledger_batch *b = &r->ledger.list[at];
	struct recalled *recalled = &r->batches[at];
	int code = read_numbers(line, "undoes", &recalled->undoes);

	if (is_wished(r, &b->told) || undoes_one(r, &recalled->undoes)) {
		recalled->number = b->told.number;
		recalled->effect = b->effect;
	}
	return code;
}

static int add_count(struct recall_table *t, const char *is, int64_t count)
{
	struct recall_count c = {strdup(is), (uint64_t)count};
	int code = c.is ? array_add(t, c) : -ENOMEM;

	if (code < 0)
		free(c.is);
	return code;
}

static int take_table(struct recall_table *t, const struct json *line, const char *key)
{
	char others[32];
	int code = 0;

	snprintf(others, sizeof(others), "other_%s", key);
	for (size_t n = 0; code == 0 && n < json_count(line, key); n++) {
		const struct json *one = json_at(line, key, n);
		int64_t count = json_int(one, "count", 0);

		if (count > 0 && n < RECALL_COUNTS)
			code = add_count(t, json_words(one, "is"), count);
		else if (count > 0)
			t->others += (uint64_t)count;
	}
	if (json_int(line, others, 0) > 0)
		t->others += (uint64_t)json_int(line, others, 0);
	return code;
}

static int take_facts(struct recalled *b, const struct json *line)
{
	int code = 0;

	if (b->facts)
		return 0;
	b->facts = true;
	for (size_t n = 0; code == 0 && n < json_count(line, "arrivals") && n < MINUTES_MAX; n++) {
		const struct json *one = json_at(line, "arrivals", n);
		struct recall_minute minute = {
		    json_int(one, "time", 0), (uint64_t)json_int(one, "count", 0)};

		code = array_add(&b->arrivals, minute);
	}
	for (size_t n = 0; code == 0 && n < FACT_TABLES; n++)
		code = take_table(&b->tables[n], line, fact_keys[n]);
	return code;
}

static int take_line(struct recalling *r, size_t at, const struct account_line *line)
{
	AUTO(json_release) struct json *o = NULL;
	int code = 0;

	if (json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	if (line->kind == LINE_BEGIN)
		code = take_begin(r, at, o);
	else if (line->kind == LINE_ADOPT)
		r->batches[at].adopted = json_int(o, "time", 0);
	else
		code = take_facts(&r->batches[at], o);
	return code;
}

static int visit(void *arg, const struct account_line *line)
{
	struct recalling *r = arg;
	bool begin = line->kind == LINE_BEGIN, known = line->kind == LINE_ADOPT || begin;
	size_t at;

	if (!known && line->kind != LINE_FACTS)
		return 0;
	at = position(r, line->number);
	if (at == SIZE_MAX || (!begin && !r->batches[at].number))
		return 0;
	return take_line(r, at, line);
}

/* This line is read before all others, because it names batches that precede it in the file. */
static int visit_wished(void *arg, const struct account_line *line)
{
	struct recalling *r = arg;
	AUTO(json_release) struct json *o = NULL;

	if (line->kind != LINE_BEGIN || line->number != r->wish->batch || r->undone.count > 0 ||
	    json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	return read_numbers(o, "undoes", &r->undone);
}

struct sorted {
	struct strbuf sure[RECALL_EFFECTS], doubt[RECALL_EFFECTS];
	uint64_t *known; /* messages known of each batch of the ledger */
};

/* Of the entries of a message, the last sure one counts, or else the last in doubt. */
static void sort_message(const struct recalling *r, const struct ledger_entries *e, size_t begin,
    size_t end, struct sorted *s)
{
	const struct ledger_entry *sure = NULL, *doubt = NULL;

	for (size_t n = begin; n < end; n++) {
		const struct ledger_entry *entry = &e->list[n];
		size_t at = (size_t)(entry->batch - r->ledger.list);

		s->known[at] += n == begin || e->list[n - 1].batch != entry->batch;
		if (entry->doubt)
			doubt = entry;
		else
			sure = entry;
	}
	if (doubt && (!sure || doubt->order > sure->order))
		account_entry_put(&s->doubt[doubt->batch->effect], &doubt->message);
	else if (sure)
		account_entry_put(&s->sure[sure->batch->effect], &sure->message);
}

static int sort_messages(struct recalling *r, struct sorted *s)
{
	struct ledger_entries e = {0};
	const struct ledger_entry *last;
	int code;

	for (size_t n = 0; n < r->ledger.count; n++)
		if (!r->batches[n].number)
			r->ledger.list[n].effect = EFFECT_NONE; /* it has no entries */
	s->known = calloc(r->ledger.count + 1, sizeof(*s->known));
	code = s->known ? ledger_entries(&r->ledger, &e) : -ENOMEM;
	for (size_t begin = 0, end; code == 0 && begin < e.count; begin = end) {
		end = ledger_message(&e, begin, &last);
		sort_message(r, &e, begin, end, s);
	}
	for (size_t n = 0; code == 0 && n < r->ledger.count; n++) {
		const struct ledger_batch *b = &r->ledger.list[n];

		/* When the log was written anew, it may have lost IDs of a batch that ended. */
		r->batches[n].ids =
		    b->effect != EFFECT_NONE && (!b->ended || s->known[n] >= b->told.done);
	}
	free(e.list);
	return code;
}

static void put_minutes(struct bytes *out, const struct recall_minutes *m)
{
	bytes_put_u32(out, (uint32_t)m->count);
	for (size_t n = 0; n < m->count; n++) {
		bytes_put_i64(out, m->list[n].time);
		bytes_put_u64(out, m->list[n].count);
	}
}

static void put_table(struct bytes *out, const struct recall_table *t)
{
	bytes_put_u64(out, t->others);
	bytes_put_u32(out, (uint32_t)t->count);
	for (size_t n = 0; n < t->count; n++) {
		bytes_put_text(out, t->list[n].is);
		bytes_put_u64(out, t->list[n].count);
	}
}

static void put_batch(struct bytes *out, const struct recalled *b)
{
	bytes_put_u64(out, b->number);
	bytes_put_u8(out, (uint8_t)b->effect);
	bytes_put_i64(out, b->adopted);
	bytes_put_u8(out, b->facts);
	bytes_put_u8(out, b->ids);
	bytes_put_u32(out, (uint32_t)b->undoes.count);
	for (size_t n = 0; n < b->undoes.count; n++)
		bytes_put_u64(out, b->undoes.list[n]);
	put_minutes(out, &b->arrivals);
	for (size_t n = 0; n < FACT_TABLES; n++)
		put_table(out, &b->tables[n]);
}

static size_t count_batches(const struct recalling *r)
{
	size_t count = 0;

	for (size_t n = 0; n < r->ledger.count; n++)
		count += r->batches[n].number != 0;
	return count;
}

static void put_batches(struct recalling *r)
{
	bytes_put_u64(r->out, r->left_out);
	bytes_put_u32(r->out, (uint32_t)count_batches(r));
	for (size_t n = 0; n < r->ledger.count; n++)
		if (r->batches[n].number)
			put_batch(r->out, &r->batches[n]);
}

static void leave_out_old(struct recalling *r)
{
	size_t count = count_batches(r);

	for (size_t n = 0; count - r->left_out > RECALL_BATCHES; n++)
		if (r->batches[n].number) {
			r->batches[n].number = 0;
			r->left_out++;
		}
}

static void put_entries(struct recalling *r, struct sorted *s)
{
	for (size_t n = 0; n < RECALL_EFFECTS; n++) {
		struct strbuf *texts[] = {&s->sure[n], &s->doubt[n]};

		for (size_t i = 0; i < COUNT_OF(texts); i++) {
			bytes_put_text(r->out, strbuf_text(texts[i]));
			r->out->failed |= texts[i]->failed;
			strbuf_release(texts[i]);
		}
	}
	free(s->known);
}

int recall_work(void *arg, struct account_log *log, struct bytes *out, struct err *err)
{
	struct recalling r = {.wish = arg, .out = out};
	struct sorted s = {0};
	int code = ledger_read(log, true, &r.ledger, err);

	if (code < 0)
		return code;
	r.batches = calloc(r.ledger.count + 1, sizeof(*r.batches));
	code = r.batches ? account_log_read(log, visit_wished, &r, err) : -ENOMEM;
	code = code ?: account_log_read(log, visit, &r, err);
	if (code == 0)
		leave_out_old(&r);
	code = code ?: sort_messages(&r, &s);
	bytes_put_u64(out, r.ledger.highest);
	bytes_put_u64(out, r.ledger.count ? r.ledger.list[0].told.number : 0);
	if (code == 0)
		put_batches(&r);
	put_entries(&r, &s);
	for (size_t n = 0; r.batches && n < r.ledger.count; n++)
		recalled_release(&r.batches[n]);
	free(r.batches);
	free(r.undone.list);
	ledger_release(&r.ledger);
	return code == -ENOMEM ? err_sys(err, ENOMEM, "failed to read the account") : code;
}
