/* SPDX-License-Identifier: ISC */
/* A few messages shown before a question. */
#include "purge/tell/samples.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/io.h"
#include "postfix/file/content.h"
#include "purge/interrupt.h"
#include "purge/tell/say.h"
#include "purge/tell/wording.h"

#define VALUE_WIDTH   68 /* columns behind "  Subject: " */
#define SUBJECT_BYTES 512
#define SUBJECTS_TIME (5 * USEC_PER_SEC)

struct subjects {
	const struct postfix *p;
	const struct item *const *items;
	size_t count;
};

/* In the child: a subject for each, "" where it could not be read. */
static int read_subjects(void *arg, struct bytes *out, struct err *err)
{
	const struct subjects *s = arg;
	int queue_dir = queue_directory_open(s->p, NULL);
	struct queue_layout layout;

	(void)err;
	queue_layout_read(&layout, queue_dir);
	for (size_t i = 0; i < s->count; i++) {
		struct message m = candidate_message(s->items[i]->candidate);
		char subject[SUBJECT_BYTES] = "";
		int64_t arrival;
		int fd;

		if (*m.subject == '\0' &&
		    content_open(&layout, queue_dir, &m, &fd, &arrival) == 0) {
			if (!content_field(fd, "Subject", subject, sizeof(subject)))
				subject[0] = '\0';
			io_close(&fd);
		}
		bytes_put_text(out, *m.subject ? m.subject : subject);
	}
	io_close(&queue_dir);
	return 0;
}

/* Cut to the line with "..." at its end. */
static void put_line(FILE *to, const char *name, const char *value, const char *more)
{
	char text[SUBJECT_BYTES + 64];
	size_t room = VALUE_WIDTH - strlen(more);
	bool cut;

	str_scrub(text, sizeof(text), value);
	cut = strlen(text) > room;
	if (cut)
		str_scrub(text, room - 2, text);
	say(to, "  %s: %s%s%s\n", name, text, cut ? "..." : "", more);
}

static void put_address(
    FILE *to, const char *name, const char *address, uint64_t total, const char *beside)
{
	char text[ADDRESS_MAX + 8], more[160] = "";
	struct strbuf line = {0};

	if (total > 1)
		snprintf(more, sizeof(more), " and %" PRIu64 " more", total - 1);
	strbuf_puts(&line, wording_address_text(address, text, sizeof(text)));
	strbuf_puts(&line, beside);
	put_line(to, name, strbuf_text(&line), more);
	strbuf_release(&line);
}

/* The header From, which people see; the envelope sender beside it where it is another, as it is
 * queued and as the client gave it. */
static void put_one(FILE *to, const struct message *m, const char *subject)
{
	const struct strlist *list = message_from(m), *recipients;
	const char *sender = message_sender(m), *from = list->count ? list->first : sender;
	char text[ADDRESS_MAX + 8];
	struct strbuf beside = {0};
	uint32_t count;

	if (strcmp(from, sender) != 0)
		strbuf_printf(
		    &beside, " (envelope %s)", wording_address_text(sender, text, sizeof(text)));
	if (message_is_given(m) && strcmp(m->sender, sender) != 0)
		strbuf_printf(
		    &beside, " (given %s)", wording_address_text(m->sender, text, sizeof(text)));
	say(to, "%s\n", m->queue_id.text);
	put_address(to, "From", from, list->count, strbuf_text(&beside));
	strbuf_release(&beside);
	if (*subject)
		put_line(to, "Subject", subject, "");
	recipients = wording_recipients(m, &count);
	if (recipients->count)
		put_address(to, "To", recipients->first, count, "");
}

void samples_put(FILE *to, const struct postfix *p, const struct item *const *items, size_t count)
{
	struct subjects s = {p, items, count};
	struct role_child child = {.stop = &interrupt_stop};
	struct blob blob = {0};
	struct reader r;

	if (p && role_ask(&p->owner, &child, SUBJECTS_TIME, read_subjects, &s, &blob, NULL) < 0)
		blob = (struct blob){0};
	r = reader_of(blob.at, blob.len);
	for (size_t i = 0; i < count; i++) {
		struct message m = candidate_message(items[i]->candidate);

		put_one(to, &m, blob.len ? reader_text(&r) : m.subject);
	}
	blob_release(&blob);
}
