/* SPDX-License-Identifier: ISC */
/* The preview of a walk. */
#include "purge/tell/preview.h"

#include <inttypes.h>

#include "base/clock.h"
#include "purge/tell/samples.h"
#include "purge/tell/scan_words.h"
#include "purge/tell/wording.h"

struct view {
	uint64_t ready, by_queue[QUEUE_COUNT];
	int64_t oldest, newest;
};

static void view_add(struct view *v, const struct item *item)
{
	v->ready++;
	for (unsigned i = 0; i < QUEUE_COUNT; i++)
		v->by_queue[i] += item->proof.queue == queue_at(i);
	if (v->ready == 1 || item->proof.arrival_time < v->oldest)
		v->oldest = item->proof.arrival_time;
	if (v->ready == 1 || item->proof.arrival_time > v->newest)
		v->newest = item->proof.arrival_time;
}

static void put_queues(FILE *to, const struct view *v)
{
	const char *separator = "In ";

	for (unsigned i = 0; i < QUEUE_COUNT; i++) {
		if (!v->by_queue[i])
			continue;
		fprintf(to, "%s%s %" PRIu64, separator, queue_word(queue_at(i)), v->by_queue[i]);
		separator = ", ";
	}
	fputs(".\n", to);
}

static void put_ages(FILE *to, const struct view *v)
{
	char oldest[CLOCK_TEXT_SIZE], newest[CLOCK_TEXT_SIZE];

	if (v->oldest <= 0)
		return;
	fprintf(to, "The oldest arrived %s, the newest %s.\n",
	    clock_text(v->oldest, oldest, sizeof(oldest)),
	    clock_text(v->newest, newest, sizeof(newest)));
}

/* From all over what is meant: the first may be alike. */
static size_t take_samples(
    const struct outcome *outcome, uint64_t ready, const struct item **samples)
{
	size_t count = ready < SAMPLES_MAX ? (size_t)ready : SAMPLES_MAX, taken = 0;
	uint64_t n = 0;

	for (size_t i = 0; i < outcome->count && taken < count; i++)
		if (outcome->items[i].result == RESULT_READY &&
		    n++ == (count > 1 ? taken * (ready - 1) / (count - 1) : 0))
			samples[taken++] = &outcome->items[i];
	return taken;
}

void preview_text(FILE *to, enum action action, bool recipients_asked,
    const struct outcome *outcome, const struct postfix *p)
{
	const struct tally *t = &outcome->tally;
	const struct item *samples[SAMPLES_MAX];
	struct view v = {0};
	char size[32];

	for (size_t i = 0; i < outcome->count; i++)
		if (outcome->items[i].result == RESULT_READY)
			view_add(&v, &outcome->items[i]);
	if (v.ready == 0)
		return;
	fprintf(to, "%" PRIu64 " %s to %s (%s)", v.ready, wording_messages(v.ready),
	    wording_verb(action), str_size_text(t->bytes, size, sizeof(size)));
	if (t->by_envelope || t->by_from_only)
		fprintf(to, ":\n%" PRIu64 " by envelope sender, %" PRIu64 " by header From only",
		    t->by_envelope, t->by_from_only);
	fputs(".\n", to);
	scan_words_text(to, t);
	put_queues(to, &v);
	put_ages(to, &v);
	if (recipients_asked && t->shared)
		fprintf(to, "%" PRIu64 " %s also for other recipients (%" PRIu64 " in all).\n",
		    t->shared, t->shared == 1 ? "is" : "are", t->other_recipients);
	fputs(v.ready > SAMPLES_MAX ? "Among them:\n" : "Namely:\n", to);
	samples_put(to, p, samples, take_samples(outcome, v.ready, samples));
}
