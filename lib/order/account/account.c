/* SPDX-License-Identifier: ISC */
#include "order/account/account.h"

#include "base/json.h"
#include "order/account/ledger.h"
#include "order/order_private.h"

#define TEXT_MAX 4096 /* bytes of a text of a batch */

const char *account_state_word(enum account_state state)
{
	static const char *const words[ACCOUNT_STATES] = {
	    "done", "unfinished", "undone", "refused", "standing"};

	return words[state];
}

/* The fields of a batch's lines, which a child hands over. */
static const struct field {
	const char *key;
	size_t offset; /* in struct batch; of a char * or uint64_t */
	bool text;
	bool begin; /* in the first line; otherwise in the last */
} fields[] = {
#define AT(member) .key = #member, .offset = offsetof(struct batch, member)
    {AT(time), .begin = true},
    {AT(uid), .begin = true},
    {AT(user), .text = true, .begin = true},
    {AT(verb), .text = true, .begin = true},
    {AT(command), .text = true, .begin = true},
    {AT(reason), .text = true, .begin = true},
    {AT(selector), .text = true, .begin = true},
    {AT(token), .text = true, .begin = true},
    {AT(matched)},
    {AT(done)},
    {AT(gone)},
    {AT(changed)},
    {AT(failed)},
    {AT(rules_set)},
};

static char **text_of(struct batch *b, const struct field *f)
{
	return (char **)((char *)b + f->offset);
}

static uint64_t *number_of(struct batch *b, const struct field *f)
{
	return (uint64_t *)((char *)b + f->offset);
}

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value ? value : "");
	return *text ? 0 : -ENOMEM;
}

int batch_read(struct batch *b, const struct json *line, bool begin)
{
	int code = 0;

	for (const struct field *f = fields; code == 0 && f < fields + COUNT_OF(fields); f++) {
		if (f->begin != begin)
			continue;
		if (f->text)
			code = set_text(text_of(b, f), json_text(line, f->key));
		else
			*number_of(b, f) = (uint64_t)json_int(line, f->key, 0);
	}
	return code;
}

void batch_release(struct batch *b)
{
	for (const struct field *f = fields; f < fields + COUNT_OF(fields); f++)
		if (f->text)
			free(*text_of(b, f));
}

static void put_batch(struct bytes *out, struct batch *b)
{
	bytes_put_u64(out, b->number);
	bytes_put_u8(out, (uint8_t)b->state);
	bytes_put_u8(out, b->running);
	for (const struct field *f = fields; f < fields + COUNT_OF(fields); f++) {
		if (f->text)
			bytes_put_text(out, *text_of(b, f));
		else
			bytes_put_u64(out, *number_of(b, f));
	}
}

static int take_batch(struct batch *b, struct reader *r)
{
	char text[TEXT_MAX + 1];
	int code = 0;

	b->number = reader_u64(r);
	b->state = (enum account_state)reader_u8(r);
	b->running = reader_u8(r) != 0;
	for (const struct field *f = fields; code == 0 && f < fields + COUNT_OF(fields); f++) {
		if (!f->text) {
			*number_of(b, f) = reader_u64(r);
			continue;
		}
		str_scrub(text, sizeof(text), reader_text(r));
		code = set_text(text_of(b, f), text);
	}
	return r->failed || b->state >= ACCOUNT_STATES ? ERR_CHILD : code;
}

static int put_all(void *arg, struct ledger *ledger, const struct account_log *log,
    struct bytes *out, struct err *err)
{
	(void)arg, (void)log, (void)err;
	for (size_t n = ledger->count; n > 0; n--) {
		struct ledger_batch *b = &ledger->list[n - 1];
		AUTO(strbuf_release) struct strbuf doubt = {0};

		if (!b->ended)
			b->told.matched = b->told.done = ledger_doubt(b, &doubt);
		bytes_put_u8(out, (uint8_t)b->effect);
		bytes_put_text(out, strbuf_text(&doubt));
		put_batch(out, &b->told);
		out->failed |= doubt.failed;
	}
	return 0;
}

/* Where the effect leaves a message. */
static unsigned place_of(enum ledger_effect effect)
{
	if (effect == EFFECT_HOLDS)
		return QUEUE_HOLD;
	return effect == EFFECT_FREES ? HOLDS_NOWHERE | (QUEUE_ALL & ~QUEUE_HOLD) : HOLDS_NOWHERE;
}

static int settle_doubt(struct batch *b, enum ledger_effect effect, struct account_entries *doubt,
    const struct postfix *p, struct err *err)
{
	AUTO(account_entries_release) struct account_entries done = {0};
	int code;

	b->matched += doubt->count;
	code = p ? holds_settle(p, doubt, place_of(effect), &done, err) : 0;
	b->done += done.count;
	return code;
}

struct listing {
	const struct postfix *postfix;
	struct batches batches;
};

static int take_next(struct listing *l, struct reader *r, struct err *err)
{
	enum ledger_effect effect = (enum ledger_effect)reader_u8(r);
	AUTO(account_entries_release) struct account_entries doubt = {0};
	struct batch b = {0};
	int code = account_entries_parse(reader_text(r), &doubt);

	code = code ?: take_batch(&b, r);
	code = code ?: settle_doubt(&b, effect, &doubt, l->postfix, err);
	code = code ?: array_add(&l->batches, b);
	if (code < 0)
		batch_release(&b);
	return code;
}

static int take_all(void *arg, struct reader *r, struct err *err)
{
	int code = 0;

	while (code == 0 && !reader_done(r))
		code = take_next(arg, r, err);
	return code;
}

void batches_release(struct batches *b)
{
	for (size_t n = 0; n < b->count; n++)
		batch_release(&b->list[n]);
	free(b->list);
	*b = (struct batches){0};
}

int account_list(
    const struct settings *s, const struct postfix *postfix, struct batches *ret, struct err *err)
{
	static const struct ledger_question question = {.put = put_all, .take = take_all};
	struct listing l = {.postfix = postfix};
	int code = ledger_ask(s, postfix ? postfix->stop : NULL, &question, &l, err);

	if (code == 0 || code == -ENOENT) {
		*ret = l.batches;
		return 0;
	}
	batches_release(&l.batches);
	return code;
}
