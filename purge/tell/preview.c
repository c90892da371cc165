/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "base/io.h"
#include "postfix/file/content.h"
#include "purge/interrupt.h"
#include "purge/tell/progress.h"
#include "purge/tell/say.h"
#include "purge/tell/summary.h"
#include "purge/tell/wording.h"

#define SAMPLES_MAX   3
#define VALUE_WIDTH   68 /* columns after "  Subject: " */
#define SUBJECT_BYTES 512
#define SUBJECTS_TIME (5 * USEC_PER_SEC)

struct subjects {
	const struct postfix *p;
	const struct item *const *items;
	size_t count;
};

static int read_subjects(void *arg, struct bytes *out, struct err *err)
{
	const struct subjects *s = arg;
	AUTO(queue_close) struct queue queue;
	bool opened = queue_open(s->p, &queue, NULL) == 0;

	(void)err;
	for (size_t i = 0; i < s->count; i++) {
		struct message m = candidate_message(s->items[i]->candidate);
		char subject[SUBJECT_BYTES] = "";
		int64_t arrival;
		int fd;

		if (*m.subject == '\0' && opened && content_open(&queue, &m, &fd, &arrival) == 0) {
			if (!content_field(fd, "Subject", subject, sizeof(subject)))
				subject[0] = '\0';
			io_close(&fd);
		}
		bytes_put_text(out, *m.subject ? m.subject : subject);
	}
	return 0;
}

static void put_line(FILE *to, const char *name, const char *value, const char *more)
{
	char text[SUBJECT_BYTES + 64];
	size_t room = VALUE_WIDTH - strlen(more);

	str_scrub(text, sizeof(text), value);
	bool cut = strlen(text) > room;
	if (cut)
		str_scrub(text, room - 2, text);
	say(to, "  %s: %s%s%s\n", name, text, cut ? "..." : "", more);
}

/* The header From, and the envelope sender where it differs, queued and given. */
static void put_from(FILE *to, const struct message *m)
{
	const struct strlist *list = message_from(m);
	const char *sender = message_sender(m), *from = list->count ? list->first : sender;
	char text[ADDRESS_MAX + 8], more[32] = "";
	AUTO(strbuf_release) struct strbuf line = {0};

	strbuf_puts(&line, wording_address_text(from, text, sizeof(text)));
	if (strcmp(from, sender) != 0)
		strbuf_printf(
		    &line, " (envelope %s)", wording_address_text(sender, text, sizeof(text)));
	if (message_is_given(m) && strcmp(m->sender, sender) != 0)
		strbuf_printf(
		    &line, " (given %s)", wording_address_text(m->sender, text, sizeof(text)));
	if (list->count > 1)
		snprintf(more, sizeof(more), " and %" PRIu32 " more", list->count - 1);
	put_line(to, "From", strbuf_text(&line), more);
}

static void put_one(FILE *to, const struct message *m, const char *subject)
{
	char text[ADDRESS_MAX + 8], more[32] = "";
	uint32_t count;

	say(to, "%s\n", m->queue_id.text);
	put_from(to, m);
	if (*subject)
		put_line(to, "Subject", subject, "");
	const struct strlist *recipients = message_waiting(m, &count);
	if (count > 1)
		snprintf(more, sizeof(more), " and %" PRIu32 " more", count - 1);
	if (recipients->count)
		put_line(
		    to, "To", wording_address_text(recipients->first, text, sizeof(text)), more);
}

static void put_samples(
    FILE *to, const struct postfix *p, const struct item *const *items, size_t count)
{
	struct subjects s = {p, items, count};
	struct progress progress;
	AUTO(blob_release) struct blob blob = {0};

	progress_init(&progress, true);
	progress_show(&progress, "reading some of them", 0, 0);
	if (p &&
	    role_ask(&p->owner, &interrupt_stop, SUBJECTS_TIME, read_subjects, &s, &blob, NULL) < 0)
		blob = (struct blob){0};
	progress_end(&progress);
	struct reader r = reader_of(blob.at, blob.len);
	for (size_t i = 0; i < count; i++) {
		struct message m = candidate_message(items[i]->candidate);

		put_one(to, &m, blob.len ? reader_text(&r) : m.subject);
	}
}

static void put_places(FILE *to, const struct outcome *o)
{
	uint64_t by_queue[QUEUE_COUNT] = {0};
	int64_t oldest = INT64_MAX, newest = 0;
	char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
	const char *separator = "In ";

	for (size_t n = 0; n < o->count; n++) {
		const struct proof *proof = &o->items[n].proof;
		int64_t arrival = proof->arrival_time;

		if (o->items[n].result != RESULT_READY)
			continue;
		for (unsigned i = 0; i < QUEUE_COUNT; i++)
			by_queue[i] += proof->queue == queue_at(i);
		oldest = arrival < oldest ? arrival : oldest;
		newest = arrival > newest ? arrival : newest;
	}
	for (unsigned i = 0; i < QUEUE_COUNT; i++) {
		if (!by_queue[i])
			continue;
		say(to, "%s%s %" PRIu64, separator, queue_word(queue_at(i)), by_queue[i]);
		separator = ", ";
	}
	say(to, ".\n");
	if (oldest > 0)
		say(to, "The oldest arrived %s, the newest %s.\n",
		    clock_text(oldest, first, sizeof(first)),
		    clock_text(newest, last, sizeof(last)));
}

/* Takes samples from all over the list, because neighbours may be alike. */
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

void summary_preview(FILE *to, const struct summary *r)
{
	const struct item *samples[SAMPLES_MAX];
	const uint64_t ready = r->outcome->tally.results[RESULT_READY];
	char size[32];

	if (ready == 0)
		return;
	say(to, "%" PRIu64 " %s to %s (%s):\n", ready, PLURAL(ready, "message"),
	    action_rows[r->action].verb,
	    str_size_text(r->outcome->tally.bytes, size, sizeof(size)));
	summary_put_counts(to, r, SUMMARY_PREVIEW);
	put_places(to, r->outcome);
	say(to, ready > SAMPLES_MAX ? "Among them:\n" : "Namely:\n");
	put_samples(to, r->postfix, samples, take_samples(r->outcome, ready, samples));
}
