/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "order/account/recall.h"
#include "order/order_private.h"

/* What is handed over of a batch of the ledger. */
struct chosen_batch {
	bool belongs;
	uint64_t known;     /* messages whose IDs the account has */
	struct bytes facts; /* empty: the account has none */
};
struct choosing {
	const struct recall_wish *wish;
	struct ledger *ledger;
	const struct ledger_batch *asked; /* the wish's batch, or NULL */
	struct chosen_batch *list;        /* one for each batch of the ledger */
	size_t count, left_out;           /* left_out: older ones past RECALL_BATCHES */
	struct strbuf sure[RECALL_EFFECTS], doubt[RECALL_EFFECTS];
};

static struct chosen_batch *chosen_of(const struct choosing *c, const struct ledger_batch *b)
{
	return &c->list[b - c->ledger->list];
}

static bool has(const struct ledger_numbers *numbers, uint64_t number)
{
	for (size_t n = 0; n < numbers->count; n++)
		if (numbers->list[n] == number)
			return true;
	return false;
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

static bool is_same_order(const struct choosing *c, const struct batch *b)
{
	const char *token = c->asked ? c->asked->told.token : "";
	char standing[32];

	snprintf(standing, sizeof(standing), "standing:%" PRIu64, c->wish->batch);
	return b->number == c->wish->batch || (c->asked && has(&c->asked->undoes, b->number)) ||
	       strcmp(b->token, standing) == 0 || (*token && strcmp(b->token, token) == 0);
}

static bool is_of_flood(const struct batch *b, uint32_t flood)
{
	char token[32];

	snprintf(token, sizeof(token), "flood:%u", (unsigned)flood);
	return strcmp(b->token, token) == 0 || names_flood(b->selector, flood);
}

static bool is_wished(const struct choosing *c, const struct batch *b)
{
	const struct recall_wish *w = c->wish;

	if (w->batch)
		return is_same_order(c, b);
	if (w->flood)
		return is_of_flood(b, w->flood);
	return w->selector && *w->selector && strcmp(b->selector, w->selector) == 0;
}

/* An earlier batch that belongs. */
static bool undoes_one(const struct choosing *c, const struct ledger_numbers *undoes)
{
	for (size_t n = 0; n < undoes->count; n++) {
		const struct ledger_batch *b = ledger_find(c->ledger, undoes->list[n]);

		if (b && chosen_of(c, b)->belongs)
			return true;
	}
	return false;
}

static void choose(struct choosing *c)
{
	for (size_t n = 0; n < c->ledger->count; n++) {
		const struct ledger_batch *b = &c->ledger->list[n];

		c->list[n].belongs = is_wished(c, &b->told) || undoes_one(c, &b->undoes);
		c->count += c->list[n].belongs;
	}
	for (size_t n = 0; c->count > RECALL_BATCHES; n++)
		if (c->list[n].belongs) {
			c->list[n].belongs = false;
			c->left_out++;
			c->count--;
		}
}

static void put_table(struct bytes *out, const struct json *line, const char *key)
{
	size_t at = out->len, count = json_count(line, key);
	uint32_t told = 0;
	char name[32];

	snprintf(name, sizeof(name), "other_%s", key);
	uint64_t others = json_unsigned(line, name);
	bytes_put_u64(out, 0);
	bytes_put_u32(out, 0);
	for (size_t n = 0; n < count; n++) {
		const struct json *one = json_at(line, key, n);
		uint64_t times = json_unsigned(one, "count");

		if (n >= RECALL_COUNTS)
			others += times;
		if (n >= RECALL_COUNTS || times == 0)
			continue;
		bytes_put_text(out, json_words(one, "is"));
		bytes_put_u64(out, times);
		told++;
	}
	bytes_set_u64(out, at, others);
	bytes_set_u32(out, at + sizeof(uint64_t), told);
}

static void put_facts(struct bytes *out, const struct json *line)
{
	size_t count = json_count(line, "arrivals");

	if (count > FACTS_MINUTES)
		count = FACTS_MINUTES;
	bytes_put_u32(out, (uint32_t)count);
	for (size_t n = 0; n < count; n++) {
		const struct json *one = json_at(line, "arrivals", n);

		bytes_put_i64(out, json_int(one, "time", 0));
		bytes_put_u64(out, (uint64_t)json_int(one, "count", 0));
	}
	for (size_t n = 0; n < FACT_TABLES; n++)
		put_table(out, line, fact_keys[n]);
}

static int visit(void *arg, const struct account_line *line)
{
	const struct choosing *c = arg;
	const struct ledger_batch *b =
	    line->kind == LINE_FACTS ? ledger_find(c->ledger, line->number) : NULL;
	AUTO(json_release) struct json *o = NULL;

	if (!b || !chosen_of(c, b)->belongs || chosen_of(c, b)->facts.len > 0 ||
	    json_parse(line->text, line->len, &o, NULL) < 0)
		return 0;
	put_facts(&chosen_of(c, b)->facts, o);
	return chosen_of(c, b)->facts.failed ? -ENOMEM : 0;
}

/* Of the entries of a message, the last sure one counts, or else the last in doubt. */
static void sort_message(
    struct choosing *c, const struct ledger_entries *e, size_t begin, size_t end)
{
	const struct ledger_entry *sure = NULL, *doubt = NULL;

	for (size_t n = begin; n < end; n++) {
		const struct ledger_entry *entry = &e->list[n];

		chosen_of(c, entry->batch)->known +=
		    n == begin || e->list[n - 1].batch != entry->batch;
		if (entry->doubt)
			doubt = entry;
		else
			sure = entry;
	}
	if (doubt && (!sure || doubt->order > sure->order))
		account_entry_put(&c->doubt[doubt->batch->effect], &doubt->message);
	else if (sure)
		account_entry_put(&c->sure[sure->batch->effect], &sure->message);
}

static int sort_messages(struct choosing *c)
{
	struct ledger_entries e = {0};
	const struct ledger_entry *last;
	int code;

	for (size_t n = 0; n < c->ledger->count; n++)
		if (!c->list[n].belongs)
			c->ledger->list[n].effect = EFFECT_NONE; /* it has no entries */
	code = ledger_entries(c->ledger, &e);
	for (size_t begin = 0, end; code == 0 && begin < e.count; begin = end) {
		end = ledger_message(&e, begin, &last);
		sort_message(c, &e, begin, end);
	}
	free(e.list);
	return code;
}

/* When the log was written anew, it may have lost IDs of a batch that ended. */
static bool has_ids(const struct ledger_batch *b, const struct chosen_batch *chosen)
{
	return b->effect != EFFECT_NONE && (!b->ended || chosen->known >= b->told.done);
}

static void put_batch(
    struct bytes *out, const struct ledger_batch *b, const struct chosen_batch *chosen)
{
	size_t undoes = b->undoes.count < RECALL_BATCHES ? b->undoes.count : RECALL_BATCHES;

	bytes_put_u64(out, b->told.number);
	bytes_put_u8(out, (uint8_t)b->effect);
	bytes_put_i64(out, b->adopted);
	bytes_put_u8(out, chosen->facts.len > 0);
	bytes_put_u8(out, has_ids(b, chosen));
	bytes_put_u32(out, (uint32_t)undoes);
	for (size_t n = 0; n < undoes; n++)
		bytes_put_u64(out, b->undoes.list[n]);
	if (chosen->facts.len > 0)
		bytes_put(out, chosen->facts.at, chosen->facts.len);
	else
		put_facts(out, NULL);
}

static void put_all(struct choosing *c, struct bytes *out)
{
	const struct ledger *ledger = c->ledger;

	bytes_put_u64(out, ledger->highest);
	bytes_put_u64(out, ledger->count ? ledger->list[0].told.number : 0);
	bytes_put_u64(out, c->left_out);
	bytes_put_u32(out, (uint32_t)c->count);
	for (size_t n = 0; n < ledger->count; n++)
		if (c->list[n].belongs)
			put_batch(out, &ledger->list[n], &c->list[n]);
	for (size_t n = 0; n < RECALL_EFFECTS; n++) {
		bytes_put_text(out, strbuf_text(&c->sure[n]));
		bytes_put_text(out, strbuf_text(&c->doubt[n]));
		out->failed |= c->sure[n].failed || c->doubt[n].failed;
	}
}

int recall_put(void *arg, struct ledger *ledger, const struct account_log *log, struct bytes *out,
    struct err *err)
{
	const struct recall_wish *wish = ((const struct recalling *)arg)->wish;
	struct choosing c = {
	    .wish = wish, .ledger = ledger, .asked = ledger_find(ledger, wish->batch)};
	int code;

	c.list = calloc(ledger->count + 1, sizeof(*c.list));
	if (!c.list)
		return -ENOMEM;
	choose(&c);
	code = account_log_read(log, visit, &c, err);
	code = code ?: sort_messages(&c);
	if (code == 0)
		put_all(&c, out);
	for (size_t n = 0; n < ledger->count; n++)
		bytes_release(&c.list[n].facts);
	for (size_t n = 0; n < RECALL_EFFECTS; n++) {
		strbuf_release(&c.sure[n]);
		strbuf_release(&c.doubt[n]);
	}
	free(c.list);
	return code;
}
