/* SPDX-License-Identifier: ISC */
/* The account, read for `log`. What a child hands over of a batch: see put_batch. */
#include "order/account.h"

#include <errno.h>

#include "base/clock.h"
#include "order/grow.h"
#include "order/holds.h"
#include "order/ledger.h"

#define TEXT_MAX 4096 /* of a text of a batch */

const char *account_state_word(enum account_state state)
{
	static const char *const words[ACCOUNT_STATES] = {
	    "done", "unfinished", "undone", "refused"};

	return words[state];
}

/* ---- in the child */

static void put_text(struct bytes *out, const struct json *o, const char *key)
{
	const char *text = json_text(o, key);

	bytes_put_text(out, text ? text : "");
}

static void put_number(struct bytes *out, const struct json *o, const char *key)
{
	bytes_put_i64(out, o ? json_int(o, key, 0) : 0);
}

static enum account_state state_of(const struct ledger_batch *b)
{
	if (b->end && json_bool(b->end, "refused", false))
		return ACCOUNT_REFUSED;
	if (b->undone)
		return ACCOUNT_UNDONE;
	return b->ended ? ACCOUNT_DONE : ACCOUNT_UNFINISHED;
}

static void put_batch(struct bytes *out, const struct ledger_batch *b, uint64_t done)
{
	static const char *const texts[] = {
	    "user", "verb", "command", "reason", "selector", "token"};
	static const char *const numbers[] = {
	    "matched", "done", "gone", "changed", "failed", "rules_set"};

	bytes_put_u64(out, b->number);
	bytes_put_u8(out, (uint8_t)state_of(b));
	bytes_put_u8(out, b->running);
	bytes_put_u8(out, (uint8_t)b->effect);
	bytes_put_u64(out, done);
	put_number(out, b->begin, "time");
	put_number(out, b->begin, "uid");
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		put_text(out, b->begin, texts[n]);
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		put_number(out, b->end, numbers[n]);
}

/* Of an unfinished batch what is in doubt; returns with how many it was done. */
static uint64_t put_doubt(
    struct bytes *out, const struct ledger_entries *entries, const struct ledger_batch *b)
{
	struct strbuf doubt = {0};
	uint64_t done = 0;

	for (size_t n = 0; !b->ended && n < entries->count; n++) {
		const struct ledger_entry *e = &entries->list[n];

		if (e->batch == b->number && e->doubt)
			account_entry_put(&doubt, &e->message);
		else
			done += e->batch == b->number;
	}
	bytes_put_text(out, strbuf_text(&doubt));
	out->failed |= doubt.failed;
	strbuf_release(&doubt);
	return done;
}

static int put_all(
    const struct account_log *log, const struct ledger *ledger, struct bytes *out, struct err *err)
{
	struct ledger_entries entries = {0};
	int code;

	for (size_t n = 0; n < ledger->count; n++)
		ledger->list[n].wanted = !ledger->list[n].ended;
	code = ledger_entries(log, ledger, &entries, err);
	for (size_t n = ledger->count; code == 0 && n > 0; n--) {
		const struct ledger_batch *b = &ledger->list[n - 1];
		uint64_t done = put_doubt(out, &entries, b);

		put_batch(out, b, done);
	}
	ledger_entries_release(&entries);
	return code;
}

static int work(void *arg, struct bytes *out, struct err *err)
{
	struct ledger ledger = {0};
	struct account_log log;
	int code = account_log_open(&log, arg, false, err);

	if (code < 0)
		return code;
	code = ledger_read(&log, &ledger, err);
	if (code == 0)
		code = put_all(&log, &ledger, out, err);
	ledger_release(&ledger);
	account_log_close(&log);
	return code;
}

/* ---- the command */

/* A batch, and what is in doubt of it. */
struct taken {
	struct batch batch;
	enum ledger_effect effect;
	struct account_entries doubt;
};

static int take_text(struct reader *r, char **ret)
{
	const char *text = reader_text(r);
	size_t len = strnlen(text, TEXT_MAX);

	*ret = malloc(len + 1);
	if (!*ret)
		return -ENOMEM;
	str_scrub(*ret, len + 1, text);
	return 0;
}

static int take_batch(struct taken *t, struct reader *r)
{
	struct batch *b = &t->batch;
	char **const texts[] = {
	    &b->user, &b->verb, &b->command, &b->reason, &b->selector, &b->token};
	uint64_t *const numbers[] = {&b->matched, &b->done, &b->gone, &b->changed, &b->failed};
	int code = account_entries_parse(reader_text(r), &t->doubt);
	uint64_t done;
	uint8_t state;

	if (code < 0)
		return code;
	b->number = reader_u64(r);
	state = reader_u8(r);
	b->running = reader_u8(r) != 0;
	t->effect = (enum ledger_effect)reader_u8(r);
	done = reader_u64(r);
	b->time = reader_i64(r);
	b->uid = (uint32_t)reader_i64(r);
	for (size_t n = 0; code == 0 && n < COUNT_OF(texts); n++)
		code = take_text(r, texts[n]);
	for (size_t n = 0; n < COUNT_OF(numbers); n++)
		*numbers[n] = reader_u64(r);
	b->rules_set = (uint32_t)reader_u64(r);
	if (code == 0 && (r->failed || state >= ACCOUNT_STATES))
		return ERR_CHILD;
	b->state = (enum account_state)state;
	if (b->state == ACCOUNT_UNFINISHED)
		b->matched = b->done = done;
	return code;
}

/* Whether with a message that lies there has happened what the batch was to do. */
static bool is_done(enum ledger_effect effect, uint8_t queue)
{
	if (effect == EFFECT_HOLDS)
		return queue == QUEUE_HOLD;
	if (effect == EFFECT_FREES)
		return queue != QUEUE_HOLD;
	return queue == 0;
}

static int settle_doubt(struct taken *t, const struct postfix *p, struct err *err)
{
	uint8_t *queues = NULL;
	int code;

	t->batch.matched += t->doubt.count;
	if (!p || t->doubt.count == 0)
		return 0;
	code = holds_look(p, &t->doubt, &queues, err);
	for (size_t n = 0; code == 0 && n < t->doubt.count; n++)
		t->batch.done += is_done(t->effect, queues[n]);
	free(queues);
	return code;
}

static void batch_release(struct batch *b)
{
	free(b->user);
	free(b->verb);
	free(b->command);
	free(b->reason);
	free(b->selector);
	free(b->token);
}

void batches_release(struct batches *b)
{
	for (size_t n = 0; n < b->count; n++)
		batch_release(&b->list[n]);
	free(b->list);
	*b = (struct batches){0};
}

static int take_all(
    const struct blob *blob, const struct postfix *p, struct batches *ret, struct err *err)
{
	struct reader r = reader_of(blob->at, blob->len);
	size_t cap = 0;
	int code = 0;

	while (code == 0 && !r.failed && !reader_done(&r)) {
		struct batch *list = grown(ret->list, ret->count, &cap, sizeof(*list));
		struct taken t = {.effect = EFFECT_NONE};

		code = list ? take_batch(&t, &r) : -ENOMEM;
		if (code < 0)
			err_set(err, code, "failed to read the account (%s)", err_word(code));
		else
			code = settle_doubt(&t, p, err);
		if (list)
			(ret->list = list)[ret->count++] = t.batch;
		account_entries_release(&t.doubt);
	}
	return code;
}

int account_list(
    const struct settings *s, const struct postfix *postfix, struct batches *ret, struct err *err)
{
	struct batches batches = {0};
	struct blob blob = {0};
	struct role_child child = {.stop = postfix ? postfix->stop : NULL};
	struct role owner;
	int code = role_of_owner(s->state_directory, &owner, err);

	if (code == -ENOENT) {
		*ret = batches;
		return 0;
	}
	if (code == 0)
		code = role_start(&child, &owner, work, s->state_directory, err);
	if (code == 0)
		code = role_finish(&child, clock_steady() + ACCOUNT_READ_TIME, &blob, err);
	if (code == 0)
		code = take_all(&blob, postfix, &batches, err);
	blob_release(&blob);
	if (code < 0)
		batches_release(&batches);
	else
		*ret = batches;
	return code;
}
