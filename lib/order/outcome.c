/* SPDX-License-Identifier: ISC */
#include "order/order_private.h"

void outcome_release(struct outcome *outcome)
{
	struct outcome_memory *m = &outcome->memory;

	client_await(outcome->drop);
	for (size_t n = 0; n < m->taken.count; n++)
		candidates_release(&m->taken.list[n]);
	for (size_t n = 0; n < m->words.count; n++)
		free(m->words.list[n]);
	free(m->taken.list);
	free(m->words.list);
	free(m->map);
	free(outcome->items);
	strbuf_release(&outcome->unreadable);
	*outcome = (struct outcome){0};
}

/* Reasons are few and repeat, so each text is kept once. */
static const char *keep_words(struct outcome *outcome, const char *words)
{
	struct outcome_memory *m = &outcome->memory;

	for (size_t n = 0; n < m->words.count; n++)
		if (strcmp(m->words.list[n], words) == 0)
			return m->words.list[n];
	char *copy = strdup(words);
	if (copy && array_add(&m->words, copy) == 0)
		return copy;
	free(copy);
	return "out of memory";
}

void order_fail(struct outcome *outcome, struct item *item, const char *words)
{
	item->result = RESULT_FAILED;
	item->reason = keep_words(outcome, words);
}

void order_fail_look(struct outcome *outcome, struct item *item, const struct proof *proof)
{
	struct err words = {{0}};

	if (proof->queue == 0 && proof->error == -EACCES)
		err_sys(&words, -proof->error, "it may be in a directory that cannot be searched");
	else if (proof->error != ERR_SYNTAX)
		err_sys(&words, -proof->error, "its queue file could not be read");
	else
		err_set(&words, 0, "its queue file is damaged");
	order_fail(outcome, item, words.text);
}

void order_trouble(struct outcome *outcome, const struct err *err)
{
	struct err before = outcome->trouble;

	if (strstr(before.text, err->text))
		return;
	if (before.text[0])
		err_set(&outcome->trouble, 0, "%s; %s", before.text, err->text);
	else
		outcome->trouble = *err;
}

int order_choose(const struct outcome *outcome, unsigned results,
    bool (*is)(const struct item *item), struct chosen *ret, struct err *err)
{
	*ret = (struct chosen){.at = calloc(outcome->count + 1, sizeof(*ret->at))};
	if (!ret->at)
		return err_sys(err, ENOMEM, "failed to keep %zu messages", outcome->count);
	for (size_t n = 0; n < outcome->count; n++)
		if (item_is(&outcome->items[n], results) && (!is || is(&outcome->items[n])))
			ret->at[ret->count++] = n;
	return 0;
}

bool order_any(const struct outcome *outcome, unsigned results)
{
	for (size_t n = 0; n < outcome->count; n++)
		if (item_is(&outcome->items[n], results))
			return true;
	return false;
}

int chosen_ids(struct chosen *c, const struct outcome *outcome, struct err *err)
{
	c->ids = calloc(c->count + 1, sizeof(*c->ids));
	if (!c->ids)
		return err_sys(err, ENOMEM, "failed to keep %zu queue IDs", c->count);
	for (size_t n = 0; n < c->count; n++)
		c->ids[n] = candidate_id(outcome->items[c->at[n]].candidate);
	return 0;
}

void chosen_release(struct chosen *c)
{
	free(c->at);
	free(c->ids);
	*c = (struct chosen){0};
}

#define MATCHED_RESULTS                                                                            \
	(IS_READY | IS_ANOTHER | IS_DONE | 1u << RESULT_FAILED | 1u << RESULT_UNTOUCHED)

static void tally_item(struct tally *tally, const struct item *item)
{
	uint32_t matched = item->candidate->matched;

	tally->results[item->result]++;
	if (item_is(item, MATCHED_RESULTS)) {
		tally->matched++;
		tally->by_envelope += (matched & MATCHED_ENVELOPE) != 0;
		tally->by_from_only +=
		    (matched & (MATCHED_ENVELOPE | MATCHED_FROM)) == MATCHED_FROM;
		tally->given_only += (matched & MATCHED_GIVEN) != 0;
		tally->joined += (matched & MATCHED_JOINED) != 0;
		tally->from_queue += item->from_queue;
	}
	if (!item_is(item, IS_READY | IS_DONE))
		return;
	tally->bytes += item->proof.size > 0 ? (uint64_t)item->proof.size : 0;
	tally->bounces += item->bounce;
	tally->shared += item->other_recipients > 0;
	tally->other_recipients += item->other_recipients;
}

void order_tally(struct outcome *outcome)
{
	struct tally tally = outcome->tally;

	memset(&tally, 0, offsetof(struct tally, unjoined));
	for (size_t n = 0; n < outcome->count; n++)
		tally_item(&tally, &outcome->items[n]);
	outcome->tally = tally;
}

void order_leave(struct outcome *outcome)
{
	for (size_t n = 0; n < outcome->count; n++) {
		struct item *item = &outcome->items[n];

		if (!item_is(item, IS_OPEN | IS_READY))
			continue;
		item->result = item->before ? (enum result)item->before : RESULT_UNTOUCHED;
		outcome->interrupted = true;
	}
	order_tally(outcome);
}
