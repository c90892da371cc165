/* SPDX-License-Identifier: ISC */
#include "order/account/recall.h"

#include "order/order_private.h"

#define TEXT_SIZE  512                     /* of a counted text, with its NUL */
#define COUNT_MOST UINT64_C(1000000000000) /* so that sums cannot overflow */

const char *const fact_keys[FACT_TABLES] = {
    "senders", "recipients", "logins", "clients", "reasons"};

static void recalled_release(struct recalled *b)
{
	for (size_t n = 0; n < FACT_TABLES; n++) {
		for (size_t i = 0; i < b->tables[n].count; i++)
			free(b->tables[n].list[i].is);
		free(b->tables[n].list);
	}
	free(b->arrivals.list);
	free(b->undoes.list);
}

void recall_release(struct recall *r)
{
	for (size_t n = 0; n < r->count; n++)
		recalled_release(&r->list[n]);
	free(r->list);
	for (size_t n = 0; n < RECALL_EFFECTS; n++) {
		account_entries_release(&r->messages[n]);
		account_entries_release(&r->doubt[n]);
	}
	*r = (struct recall){0};
}

static uint64_t take_count(struct reader *r)
{
	uint64_t count = reader_u64(r);

	return count < COUNT_MOST ? count : COUNT_MOST;
}

static int take_numbers(struct reader *r, struct ledger_numbers *ret)
{
	uint32_t count = reader_u32(r);
	int code = count > RECALL_BATCHES ? ERR_CHILD : 0;

	for (uint32_t n = 0; code == 0 && n < count && !r->failed; n++)
		code = array_add(ret, reader_u64(r));
	return code;
}

static int take_minutes(struct reader *r, struct recall_minutes *ret)
{
	uint32_t count = reader_u32(r);
	int code = count > FACTS_MINUTES ? ERR_CHILD : 0;

	for (uint32_t n = 0; code == 0 && n < count && !r->failed; n++) {
		struct recall_minute m = {reader_i64(r), 0};

		m.count = take_count(r);
		code = array_add(ret, m);
	}
	return code;
}

static int take_table(struct reader *r, struct recall_table *ret)
{
	char text[TEXT_SIZE];
	uint32_t count;
	int code;

	ret->others = take_count(r);
	count = reader_u32(r);
	code = count > RECALL_COUNTS ? ERR_CHILD : 0;
	for (uint32_t n = 0; code == 0 && n < count && !r->failed; n++) {
		struct recall_count c = {
		    strdup(str_scrub(text, sizeof(text), reader_text(r))), take_count(r)};

		code = c.is ? array_add(ret, c) : -ENOMEM;
		if (code < 0)
			free(c.is);
	}
	return code;
}

static int take_batch(struct reader *r, struct recalled *b)
{
	b->number = reader_u64(r);
	uint8_t effect = reader_u8(r);
	if (effect >= RECALL_EFFECTS)
		return ERR_CHILD;
	b->effect = (enum ledger_effect)effect;
	b->adopted = reader_i64(r);
	b->facts = reader_u8(r) != 0;
	b->ids = reader_u8(r) != 0;
	int code = take_numbers(r, &b->undoes);
	code = code ?: take_minutes(r, &b->arrivals);
	for (size_t n = 0; code == 0 && n < FACT_TABLES; n++)
		code = take_table(r, &b->tables[n]);
	return code ?: r->failed ? ERR_CHILD : 0;
}

static int take_all(void *arg, struct reader *r, struct err *err)
{
	struct recall *ret = ((const struct recalling *)arg)->ret;
	uint32_t count;
	int code;

	(void)err;
	ret->highest = reader_u64(r);
	ret->oldest = reader_u64(r);
	ret->left_out = reader_u64(r);
	count = reader_u32(r);
	code = count > RECALL_BATCHES ? ERR_CHILD : 0;
	for (uint32_t n = 0; code == 0 && n < count && !r->failed; n++) {
		struct recalled b = {0};

		code = take_batch(r, &b);
		code = code ?: array_add(ret, b);
		if (code < 0)
			recalled_release(&b);
	}
	for (size_t n = 0; code == 0 && n < RECALL_EFFECTS; n++) {
		code = account_entries_parse(reader_text(r), &ret->messages[n]);
		code = code ?: account_entries_parse(reader_text(r), &ret->doubt[n]);
	}
	return code;
}

const struct ledger_question recall_question = {.all = true, .put = recall_put, .take = take_all};

int recall_read(const struct settings *s, const struct recall_wish *wish,
    const volatile sig_atomic_t *stop, struct recall *ret, struct err *err)
{
	struct recalling asked = {wish, ret};
	int code;

	*ret = (struct recall){0};
	code = ledger_ask(s, stop, &recall_question, &asked, err);
	return code == -ENOENT ? 0 : code;
}

int recall_settle(struct recall *r, const struct postfix *p, struct err *err)
{
	static const unsigned places[] = {[EFFECT_HOLDS] = QUEUE_HOLD,
	    [EFFECT_FREES] = QUEUE_ALL & ~QUEUE_HOLD,
	    [EFFECT_DELETES] = HOLDS_NOWHERE};
	int code = 0;

	for (int effect = EFFECT_HOLDS; code == 0 && effect < RECALL_EFFECTS; effect++) {
		code =
		    holds_settle(p, &r->doubt[effect], places[effect], &r->messages[effect], err);
		array_sort(&r->messages[effect], account_entry_compare);
	}
	return code;
}

bool recall_has(const struct recall *r, const struct queue_id *id, int64_t arrival)
{
	const struct account_entry entry = {*id, arrival};

	return holds_contain(&r->messages[EFFECT_HOLDS], &entry) ||
	       holds_contain(&r->messages[EFFECT_FREES], &entry);
}
