/* SPDX-License-Identifier: ISC */
#include "order/account/sums.h"

#include "base/json.h"
#include "order/account/ledger.h"

static const char *const words[SUM_VERBS] = {"purge", "hold", "release", "undo", "retry"};

/* In the order of struct sum, after batches. */
static const char *const keys[] = {"done", "gone", "changed", "failed"};
#define NUMBERS (1 + COUNT_OF(keys))
_Static_assert(sizeof(struct sum) == NUMBERS * sizeof(uint64_t), "a key is missing");

const char *sum_verb_word(enum sum_verb verb)
{
	return words[verb];
}

static struct sum *sum_of(struct sums *sums, const char *verb)
{
	for (size_t n = 0; verb && n < SUM_VERBS; n++)
		if (strcmp(verb, words[n]) == 0)
			return &sums->verbs[n];
	return NULL;
}

static void add(struct sums *sums, const char *verb, const uint64_t more[NUMBERS])
{
	struct sum *sum = sum_of(sums, verb);
	uint64_t *numbers = (uint64_t *)sum;

	for (size_t n = 0; sum && n < NUMBERS; n++) {
		uint64_t room = INT64_MAX - numbers[n];

		numbers[n] += more[n] < room ? more[n] : room;
	}
}

void sums_add(struct sums *sums, const struct batch *b)
{
	add(sums, b->verb, (const uint64_t[]){1, b->done, b->gone, b->changed, b->failed});
}

void sums_add_line(struct sums *sums, const struct account_line *line)
{
	uint64_t more[NUMBERS] = {line->number};
	AUTO(json_release) struct json *o = NULL;

	if (json_parse(line->text, line->len, &o, NULL) < 0)
		return;
	for (size_t n = 0; n < COUNT_OF(keys); n++)
		more[n + 1] = (uint64_t)json_int(o, keys[n], 0);
	add(sums, json_text(o, "verb"), more);
}

void sums_put_lines(const struct sums *sums, struct strbuf *to)
{
	for (size_t n = 0; n < SUM_VERBS; n++) {
		const uint64_t *numbers = (const uint64_t *)&sums->verbs[n];

		if (numbers[0] == 0)
			continue;
		strbuf_printf(to, "{\"sums\":%" PRIu64 ",\"verb\":\"%s\"", numbers[0], words[n]);
		for (size_t k = 0; k < COUNT_OF(keys); k++)
			strbuf_printf(to, ",\"%s\":%" PRIu64, keys[k], numbers[k + 1]);
		strbuf_puts(to, "}\n");
	}
}

static int put_all(void *arg, struct ledger *ledger, const struct account_log *log,
    struct bytes *out, struct err *err)
{
	(void)arg, (void)log, (void)err;
	for (size_t n = 0; n < ledger->count; n++) {
		struct ledger_batch *b = &ledger->list[n];
		AUTO(strbuf_release) struct strbuf doubt = {0};

		if (!b->ended)
			b->told.done = ledger_doubt(b, &doubt);
		sums_add(&ledger->dropped, &b->told);
	}
	bytes_put(out, &ledger->dropped, sizeof(ledger->dropped));
	return 0;
}

/* The account's owner is hostile to root: numbers only, with bounds. */
static int take_all(void *arg, struct reader *r, struct err *err)
{
	struct sums theirs;
	const void *at = reader_take(r, sizeof(theirs));

	(void)err;
	if (!at)
		return ERR_CHILD;
	memcpy(&theirs, at, sizeof(theirs));
	for (size_t verb = 0; verb < SUM_VERBS; verb++)
		add(arg, words[verb], (const uint64_t *)&theirs.verbs[verb]);
	return 0;
}

int sums_read(
    const struct settings *s, const volatile sig_atomic_t *stop, struct sums *ret, struct err *err)
{
	static const struct ledger_question question = {.put = put_all, .take = take_all};
	struct sums sums = {0};
	int code = ledger_ask(s, stop, &question, &sums, err);

	*ret = code == 0 ? sums : (struct sums){0};
	return code == -ENOENT ? 0 : code;
}
