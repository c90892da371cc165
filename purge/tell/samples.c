/* SPDX-License-Identifier: ISC */
/* A few messages shown before a question. */
#include "purge/tell/samples.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/io.h"
#include "postfix/file/content.h"
#include "purge/tell/wording.h"

#define VALUE_WIDTH   68 /* columns behind "  Subject: " */
#define SUBJECT_BYTES 512

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

	(void)err;
	for (size_t i = 0; i < s->count; i++) {
		struct message m = candidate_message(s->items[i]->candidate);
		char subject[SUBJECT_BYTES] = "";
		int64_t arrival;
		int fd;

		if (*m.subject == '\0' && content_open(s->p, queue_dir, &m, &fd, &arrival) == 0) {
			if (!content_field(fd, "Subject", subject, sizeof(subject)))
				subject[0] = '\0';
			io_close(&fd);
		}
		bytes_put_text(out, *m.subject ? m.subject : subject);
	}
	io_close(&queue_dir);
	return 0;
}

/* Scrubbed, cut to the line with "..." at its end. */
static void put_line(FILE *to, const char *name, const char *value, const char *more)
{
	char text[SUBJECT_BYTES + 64];
	size_t room = VALUE_WIDTH - strlen(more);

	str_scrub(text, sizeof(text), value);
	if (strlen(text) > room) {
		str_scrub(text, room - 2, text);
		fprintf(to, "  %s: %s...%s\n", name, text, more);
	} else {
		fprintf(to, "  %s: %s%s\n", name, text, more);
	}
}

static void put_address(
    FILE *to, const char *name, const char *address, uint64_t total, const char *beside)
{
	struct strbuf text = {0};
	char more[160] = "";

	if (total > 1)
		snprintf(more, sizeof(more), " and %" PRIu64 " more", total - 1);
	if (*address || strcmp(name, "From") != 0)
		wording_address(address, &text);
	else
		strbuf_puts(&text, "<>");
	strbuf_puts(&text, beside);
	put_line(to, name, strbuf_text(&text), more);
	strbuf_release(&text);
}

static const char *first_of(const struct strlist *list)
{
	return list->count ? list->first : "";
}

/* The header From, which people see; the envelope sender beside it where it is another. */
static void put_one(FILE *to, const struct message *m, const char *subject)
{
	const char *from = m->from.count ? first_of(&m->from) : m->sender;
	char beside[ADDRESS_MAX + 16] = "", sender[ADDRESS_MAX + 8];

	if (strcmp(from, m->sender) != 0)
		snprintf(beside, sizeof(beside), " (envelope %s)",
		    wording_address_text(m->sender, sender, sizeof(sender)));
	fprintf(to, "%s\n", m->queue_id.text);
	put_address(to, "From", from, m->from.count, beside);
	if (*subject)
		put_line(to, "Subject", subject, "");
	if (m->recipients.count)
		put_address(to, "To", first_of(&m->recipients), m->recipient_count, "");
}

void samples_put(FILE *to, const struct postfix *p, const struct item *const *items, size_t count)
{
	struct subjects s = {p, items, count};
	struct blob blob = {0};
	struct reader r;

	if (p && role_collect(&p->owner, read_subjects, &s, &blob, NULL) < 0)
		blob = (struct blob){0};
	r = reader_of(blob.at, blob.len);
	for (size_t i = 0; i < count; i++) {
		struct message m = candidate_message(items[i]->candidate);

		put_one(to, &m, p ? reader_text(&r) : m.subject);
	}
	blob_release(&blob);
}
