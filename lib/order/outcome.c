/* SPDX-License-Identifier: ISC */
/* The outcome as a whole: its memory, its counts, its words. */
#include "order/inside.h"

void outcome_release(struct outcome *outcome)
{
	order_count_end(outcome);
	candidates_release(&outcome->candidates);
	scan_free(outcome->scan);
	free(outcome->items);
	free(outcome->unseen);
	for (size_t n = 0; n < outcome->word_count; n++)
		free(outcome->words[n]);
	free(outcome->words);
	*outcome = (struct outcome){0};
}

/* Reasons are few and alike, so each is kept once. */
static const char *keep_words(struct outcome *outcome, const char *words)
{
	char **list;
	char *copy;

	for (size_t n = 0; n < outcome->word_count; n++)
		if (strcmp(outcome->words[n], words) == 0)
			return outcome->words[n];
	list = realloc(outcome->words, (outcome->word_count + 1) * sizeof(*list));
	if (!list)
		return "out of memory";
	outcome->words = list;
	copy = strdup(words);
	if (!copy)
		return "out of memory";
	list[outcome->word_count++] = copy;
	return copy;
}

void order_fail(struct outcome *outcome, struct item *item, const char *words)
{
	item->result = RESULT_FAILED;
	item->reason = keep_words(outcome, words);
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

static bool is_matched(enum result result)
{
	switch (result) {
	case RESULT_READY:
	case RESULT_DONE:
	case RESULT_CHANGED:
	case RESULT_UNPROVEN:
	case RESULT_FAILED:
	case RESULT_UNTOUCHED:
		return true;
	case RESULT_NONE:
	case RESULT_GONE:
	case RESULT_EXCLUDED:
		break;
	}
	return false;
}

static void tally_item(struct tally *tally, const struct item *item)
{
	tally->results[item->result]++;
	if (is_matched(item->result)) {
		tally->matched++;
		if (item->candidate->matched & MATCHED_ENVELOPE)
			tally->by_envelope++;
		else if (item->candidate->matched & MATCHED_FROM)
			tally->by_from_only++;
	}
	if (item->result != RESULT_READY && item->result != RESULT_DONE)
		return;
	tally->bytes += item->proof.size > 0 ? (uint64_t)item->proof.size : 0;
	tally->scanned += item->scanned != NULL;
	tally->bounces += item->scanned && item->scanned->bounce;
	tally->shared += item->other_recipients > 0;
	tally->other_recipients += item->other_recipients;
}

void order_tally(struct outcome *outcome)
{
	struct tally tally = {
	    .damaged = outcome->candidates.damaged,
	    .unindexed = outcome->tally.unindexed,
	    .unindexed_maildrop = outcome->tally.unindexed_maildrop,
	    .unindexed_arriving = outcome->tally.unindexed_arriving,
	    .unindexed_known = outcome->tally.unindexed_known,
	    .unindexed_as_of = outcome->tally.unindexed_as_of,
	    .batch = outcome->tally.batch,
	};

	for (size_t n = 0; n < outcome->count; n++)
		tally_item(&tally, &outcome->items[n]);
	outcome->tally = tally;
}

void order_leave(struct outcome *outcome)
{
	for (size_t n = 0; n < outcome->count; n++)
		if (outcome->items[n].result == RESULT_NONE ||
		    outcome->items[n].result == RESULT_READY) {
			outcome->items[n].result = RESULT_UNTOUCHED;
			outcome->interrupted = true;
		}
	order_tally(outcome);
}

const char *result_word(enum result result, enum action action)
{
	static const char *const done[] = {
	    [ACTION_LIST] = "queued",
	    [ACTION_DELETE] = "deleted",
	    [ACTION_HOLD] = "held",
	    [ACTION_RELEASE] = "released",
	};
	static const char *const ready[] = {
	    [ACTION_LIST] = "queued",
	    [ACTION_DELETE] = "would-delete",
	    [ACTION_HOLD] = "would-hold",
	    [ACTION_RELEASE] = "would-release",
	};
	static const char *const words[] = {
	    [RESULT_NONE] = "unknown",
	    [RESULT_GONE] = "gone",
	    [RESULT_CHANGED] = "changed",
	    [RESULT_UNPROVEN] = "unproven",
	    [RESULT_FAILED] = "failed",
	    [RESULT_UNTOUCHED] = "untouched",
	    [RESULT_EXCLUDED] = "excluded",
	};

	if (result == RESULT_DONE)
		return done[action];
	return result == RESULT_READY ? ready[action] : words[result];
}
