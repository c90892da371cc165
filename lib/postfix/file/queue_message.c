/* SPDX-License-Identifier: ISC */
#include "postfix/file/queue_message.h"

#include "postfix/file/queue_file.h"

struct walk {
	struct queue_message *m;
	size_t max_recipients;
	struct queue_file file;
	struct queue_envelope envelope;
	bool has_envelope;
	uint64_t content_end; /* offset of the extracted records; 0 unknown */
	bool in_header;
	bool line_goes_on; /* the last record of content did not end its line */
	bool done;
	struct strbuf original; /* of the next recipient */
};

static void take_recipient(struct walk *w, const struct queue_record *r)
{
	struct queue_message *m = w->m;
	struct queued *q = &m->message.queued;
	struct address recipient, original;

	if (q->recipient_count < UINT32_MAX)
		q->recipient_count++;
	if (q->recipient_count > w->max_recipients) {
		m->message.flags |= MESSAGE_CUT_QUEUED_RECIPIENTS;
		return;
	}
	address_split(r->data, &recipient);
	address_split(strbuf_text(&w->original), &original);
	bool same = w->original.len == 0 || strcmp(original.text, recipient.text) == 0;
	if (recipient.cut || original.cut)
		m->message.flags |= MESSAGE_CUT_TEXT;
	strlist_push(&m->recipients, recipient.text, strlen(recipient.text));
	strlist_push(&m->originals, same ? "" : original.text, same ? 0 : strlen(original.text));
}

static void take_attribute(struct queue_message *m, const char *text)
{
	static const char login[] = "sasl_username=", origin[] = "log_message_origin=";

	if (str_starts(text, login)) {
		size_t len = strlen(text + strlen(login));

		if (len > MESSAGE_TEXT_MAX) {
			m->message.flags |= MESSAGE_CUT_TEXT;
			len = MESSAGE_TEXT_MAX;
		}
		strbuf_clear(&m->login);
		strbuf_add(&m->login, text + strlen(login), len);
	} else if (str_starts(text, origin)) {
		m->made_here = strcmp(text + strlen(origin), "local") == 0;
	} else if (str_starts(text, "client_") || str_starts(text, "log_client_")) {
		m->by_client = true;
	}
}

/* The C record is "size offset recipients ...": the content begins at offset. The extracted records
 * follow it. */
static void take_size(struct walk *w, const char *text)
{
	int64_t size = queue_number(text, &text);
	int64_t offset = size < 0 ? -1 : queue_number(text, NULL);

	if (size >= 0 && offset > 0 && w->content_end == 0)
		w->content_end = (uint64_t)offset + (uint64_t)size;
}

static void take_line(struct walk *w, const struct queue_record *r)
{
	w->m->header.cut |= r->cut;
	queue_header_line(&w->m->header, r->data, r->len, !w->line_goes_on);
	w->line_goes_on = r->type == 'L';
	w->in_header = !w->m->header.ended;
	if (w->in_header)
		return;
	/* Skips the body. A file in maildrop does not tell its size, but there all recipients
	 * precede the content, except those that "sendmail -t" leaves to cleanup(8). */
	if (w->content_end > w->file.at) {
		w->file.at = w->content_end;
	} else {
		w->m->finished = w->content_end == 0 && w->m->message.queued.recipient_count > 0;
		w->done = true;
	}
}

static void take_record(struct walk *w, const struct queue_record *r)
{
	unsigned char type = r->type;

	if (type == 'C')
		take_size(w, r->data);
	else if (type == 'A')
		take_attribute(w->m, r->data);
	else if (type == 'R' ||
		 type == '>') /* >: REDIRECT, where the mail goes; mailq shows both */
		take_recipient(w, r);
	else if (type == 'M' || type == 'X')
		w->in_header = type == 'M';
	else if (type == 'E')
		w->m->finished = w->done = true;
	else if (w->in_header && (type == 'N' || type == 'L'))
		take_line(w, r);
	if (type == 'O' || type == 'R' || type == 'D') /* D: a recipient that is done */
		strbuf_clear(&w->original);
	if (type == 'O')
		strbuf_puts(&w->original, r->data);
}

static void end_header(struct queue_message *m)
{
	bool whole = m->header.ended || m->finished;

	queue_header_end(&m->header);
	m->header.cut |= !whole;
	m->subject = m->header.asked ? selector_subject_answer(m->header.asked, !m->header.cut)
				     : SELECTOR_YES;
}

/* Malformed content is not an error if the envelope was read: the proof needs only that. */
static int walk_file(struct walk *w)
{
	struct queue_record r;
	int code = 0;

	while (!w->done && (code = queue_file_next(&w->file, &r)) == 0) {
		int envelope = w->has_envelope ? 0 : queue_envelope_take(&w->envelope, &r);

		if (envelope < 0)
			return envelope;
		w->has_envelope = envelope == 0;
		take_record(w, &r);
	}
	end_header(w->m);
	w->has_envelope |= queue_envelope_suffices(&w->envelope);
	return code == ERR_SYNTAX && w->has_envelope ? 0 : code;
}

static void clear(struct queue_message *m, const struct queue_id *id, const struct queue_host *host)
{
	message_init(&m->message);
	m->message.queue_id = *id;
	m->message.origin = ORIGIN_QUEUE;
	m->made_here = m->by_client = m->finished = false;
	m->mailboxes =
	    (struct selector_header){.selector = m->mailboxes.selector, .text = m->mailboxes.text};
	m->header.recorded.from.taken = m->mailboxes.selector ? selector_header_take : NULL;
	m->header.recorded.from.arg = &m->mailboxes;
	m->header.asked = m->mailboxes.selector ? &m->mailboxes : NULL;
	queue_header_clear(&m->header, host);
	strbuf_clear(&m->recipients);
	strbuf_clear(&m->originals);
	strbuf_clear(&m->login);
}

static void fill_queued(const struct queue_message *m, struct queued *q)
{
	const struct identity *id = &m->identity;
	const struct header *header = &m->header.recorded;

	q->known = true;
	q->arrival_time = id->arrival_time;
	q->create_time = id->create_time;
	q->inode = id->inode;
	q->size = id->size;
	q->client = id->client;
	q->client_port = id->client_port;
	q->log_client = id->log_client;
	q->log_ident = id->log_ident;
	q->sender = id->sender;
	q->from = strlist_of(&header->from.packed);
	q->message_id = header->message_id;
	q->recipients = strlist_of(&m->recipients);
	q->originals = strlist_of(&m->originals);
	q->login = strbuf_text(&m->login);
}

static uint32_t flags_of(const struct queue_message *m)
{
	const struct header *header = &m->header.recorded;
	uint32_t flags = m->finished ? 0 : MESSAGE_CUT_QUEUED_RECIPIENTS;

	if (header->from.cut || m->header.cut)
		flags |= MESSAGE_CUT_QUEUED_FROM;
	return header->cut_text ? flags | MESSAGE_CUT_TEXT : flags;
}

static bool is_notice(const struct queue_message *m)
{
	const struct queue_header *h = &m->header;
	const struct queued *q = &m->message.queued;

	return q->sender[0] == '\0' && m->made_here && !m->by_client && q->client.family == 0 &&
	       m->finished && !(m->message.flags & MESSAGE_CUT_QUEUED_RECIPIENTS) &&
	       q->recipient_count > 0 && !h->delivered_to && h->auto_replied &&
	       queue_route_is_internal(&h->route, h->host, &m->message) &&
	       queue_header_reported_by(h, h->host->hostname);
}

static int finish(struct queue_message *m)
{
	struct message *out = &m->message;

	if (m->recipients.failed || m->originals.failed || m->login.failed ||
	    m->header.recorded.from.packed.failed || m->header.field.failed ||
	    m->header.report.failed || domain_lacked_memory())
		return -ENOMEM;
	if (!m->identity.has_sender)
		return ERR_SYNTAX;
	out->mail_time = out->rcpt_time = out->end_time = m->identity.arrival_time;
	fill_queued(m, &out->queued);
	out->flags |= flags_of(m);
	m->mailboxes.cut = m->header.cut || from_was_bounded(&m->header.recorded.from);
	queue_route_judge(&m->header.route, m->header.host, out);
	if (is_notice(m))
		out->flags |= MESSAGE_NOTICE;
	return 0;
}

int queue_message_read(int fd, const struct queue_id *id, const struct queue_host *host,
    size_t max_recipients, struct queue_message *m)
{
	struct walk w = {.m = m, .max_recipients = max_recipients, .file = QUEUE_FILE(fd)};
	struct stat st;

	(void)domain_lacked_memory(); /* of an earlier file, whose reading may have failed */
	clear(m, id, host);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return ERR_SYNTAX;
	queue_envelope_begin(&w.envelope, &st, &m->identity);
	int code = walk_file(&w);
	if (code == 0)
		code = w.original.failed ? -ENOMEM : finish(m);
	strbuf_release(&w.original);
	return code;
}

void queue_message_release(struct queue_message *m)
{
	queue_header_release(&m->header);
	strbuf_release(&m->mailboxes.text);
	strbuf_release(&m->recipients);
	strbuf_release(&m->originals);
	strbuf_release(&m->login);
	*m = (struct queue_message){0};
}
