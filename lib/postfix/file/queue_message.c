/* SPDX-License-Identifier: ISC */
/*
 * A queue file as a message. The envelope is read twice: queue_file says what it says of itself in
 * proofs, and this walk takes recipients, attributes and header.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "postfix/file/queue_file.h"
#include "postfix/file/queue_message.h"
#include "postfix/file/queue_record.h"

#define LOGIN_MAX MESSAGE_TEXT_MAX

enum part { PART_ENVELOPE, PART_HEADER, PART_BODY, PART_EXTRACTED };

struct walk {
	struct queue_message *m;
	size_t max_recipients;
	uint64_t at;
	uint64_t content_end; /* where the extracted records begin; 0 = not known */
	unsigned jumps;
	enum part part;
	bool line_goes_on; /* the last record of content did not end its line */
	bool done;
	struct strbuf original; /* the O record that belongs to the next recipient */
};

/* Postfix's internal, unquoted form to normal form. */
static void put_address(const char *internal, struct strbuf *packed, uint32_t *flags)
{
	struct address address;
	size_t len = strlen(internal);
	const char *at = memrchr(internal, '@', len);
	size_t local = at ? (size_t)(at - internal) : len;

	address_build(internal, local, at ? at + 1 : "", at ? len - local - 1 : 0, &address);
	if (address.cut)
		*flags |= MESSAGE_CUT_TEXT;
	strlist_push(packed, address.text, strlen(address.text));
}

static void take_recipient(struct walk *w, const struct queue_record *r)
{
	struct message *m = &w->m->message;
	const char *text = w->original.len > 0 ? w->original.text : r->data;

	if (m->recipient_count < UINT32_MAX)
		m->recipient_count++;
	if (m->recipient_count > w->max_recipients)
		m->flags |= MESSAGE_CUT_RECIPIENTS;
	else
		put_address(text, &w->m->recipients, &m->flags);
	strbuf_clear(&w->original);
}

static void take_attribute(struct queue_message *m, const char *text)
{
	static const char login[] = "sasl_username=", origin[] = "log_message_origin=";

	if (str_starts(text, login)) {
		size_t len = strlen(text + strlen(login));

		if (len > LOGIN_MAX) {
			m->message.flags |= MESSAGE_CUT_TEXT;
			len = LOGIN_MAX;
		}
		strbuf_clear(&m->login);
		strbuf_add(&m->login, text + strlen(login), len);
	} else if (str_starts(text, origin)) {
		m->made_here = strcmp(text + strlen(origin), "local") == 0;
	} else if (str_starts(text, "client_") || str_starts(text, "log_client_")) {
		m->came_by_client = true;
	}
}

/* C: "size offset recipients ...": content begins at offset; what was extracted from it stands
 * behind it. */
static void take_size(struct walk *w, const char *text)
{
	int64_t size = queue_number(text, &text);
	int64_t offset = size < 0 ? -1 : queue_number(text, NULL);

	if (size >= 0 && offset > 0 && w->content_end == 0)
		w->content_end = (uint64_t)offset + (uint64_t)size;
}

static void take_content(struct walk *w, const struct queue_record *r)
{
	if (w->part != PART_HEADER)
		return;
	queue_header_line(&w->m->header, r->data, r->len, !w->line_goes_on);
	w->line_goes_on = r->type == 'L';
	if (!w->m->header.ended)
		return;
	/* The body says nothing. A file in maildrop has no size to go behind it by, and all its
	 * recipients before it, but for those that "sendmail -t" leaves to cleanup(8). */
	w->part = PART_BODY;
	if (w->content_end > w->at) {
		w->at = w->content_end;
	} else {
		w->m->finished = w->content_end == 0 && w->m->message.recipient_count > 0;
		w->done = true;
	}
}

static int take_pointer(struct walk *w, const char *text)
{
	int64_t to = queue_number(text, NULL);

	if (to < 0 || (to > 0 && ++w->jumps > QUEUE_JUMPS_MAX))
		return ERR_SYNTAX;
	if (to > 0)
		w->at = (uint64_t)to;
	return 0;
}

static int take_record(struct walk *w, const struct queue_record *r)
{
	w->at = r->next;
	switch (r->type) {
	case 'C':
		take_size(w, r->data);
		break;
	case 'A':
		take_attribute(w->m, r->data);
		break;
	case 'O':
		strbuf_clear(&w->original);
		strbuf_puts(&w->original, r->data);
		break;
	case 'R':
	case 'D':
		take_recipient(w, r);
		break;
	case 'M':
		w->part = PART_HEADER;
		break;
	case 'N':
	case 'L': /* before the content it names a filter */
		if (w->part != PART_ENVELOPE)
			take_content(w, r);
		break;
	case 'p':
		return take_pointer(w, r->data);
	case 'X':
		w->part = PART_EXTRACTED;
		break;
	case 'E':
		w->m->finished = w->done = true;
		break;
	default:
		break;
	}
	return 0;
}

/* Malformed content is no error: the envelope that the proof needs has been read. */
static void walk_file(struct queue_source *s, struct walk *w)
{
	struct queue_record r;

	for (unsigned n = 0; n < QUEUE_RECORDS_MAX && !w->done; n++)
		if (queue_record_read(s, w->at, &r) < 0 || take_record(w, &r) < 0)
			break;
	queue_header_end(&w->m->header);
}

static void clear(struct queue_message *m, const struct queue_id *id)
{
	message_init(&m->message);
	m->message.queue_id = *id;
	m->message.origin = ORIGIN_SCAN;
	m->user = -1;
	m->made_here = m->came_by_client = m->finished = false;
	queue_header_clear(&m->header);
	strbuf_clear(&m->recipients);
	strbuf_clear(&m->login);
}

static int finish(struct queue_message *m)
{
	struct message *out = &m->message;

	if (m->recipients.failed || m->login.failed || m->header.from.failed ||
	    m->header.message_id.failed || m->header.field.failed || m->header.received.failed ||
	    m->header.report.failed)
		return -ENOMEM;
	if (m->identity.arrival_time < 0 || !m->identity.has_sender)
		return ERR_SYNTAX;
	out->mail_time = out->rcpt_time = out->end_time = m->identity.arrival_time;
	out->sender = m->identity.sender;
	out->client = m->identity.client;
	out->client_port = m->identity.client_port;
	out->login = strbuf_text(&m->login);
	out->message_id = strbuf_text(&m->header.message_id);
	out->from = strlist_of(&m->header.from);
	out->recipients = strlist_of(&m->recipients);
	out->flags |= m->header.cut ? MESSAGE_CUT_FROM : 0;
	if (!m->finished)
		out->flags |= MESSAGE_CUT_RECIPIENTS;
	m->user = m->came_by_client ? -1 : queue_header_user(&m->header);
	return 0;
}

static int read_source(struct queue_source *s, size_t max_recipients, struct queue_message *m)
{
	struct walk w = {.m = m, .max_recipients = max_recipients};
	bool failed;

	walk_file(s, &w);
	failed = w.original.failed;
	strbuf_release(&w.original);
	if (s->error)
		return s->error;
	return failed ? -ENOMEM : finish(m);
}

/* In maildrop the submitter owns the file, and pickup(8) may read it by the last 'r' of its mode;
 * what postsuper(1) requeued lacks that, and says in its header who submitted it. */
static void take_owner(struct queue_message *m, const struct stat *st)
{
	if (m->user < 0 && (st->st_mode & S_IROTH) && !m->came_by_client)
		m->user = st->st_uid;
}

int queue_message_read(
    int fd, const struct queue_id *id, size_t max_recipients, struct queue_message *m)
{
	unsigned char buffer[QUEUE_WINDOW];
	struct queue_source s = {.fd = fd, .buffer = buffer};
	struct stat st;
	int code;

	clear(m, id);
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return ERR_SYNTAX;
	code = queue_file_identity_of(fd, &st, &m->identity);
	if (code == 0)
		code = read_source(&s, max_recipients, m);
	if (code == 0)
		take_owner(m, &st);
	return code;
}

int queue_message_parse(const void *at, size_t len, const struct queue_id *id,
    size_t max_recipients, struct queue_message *m)
{
	struct queue_source s = {.fd = -1, .at = at, .len = len};
	int code;

	clear(m, id);
	code = queue_file_identity_parse(at, len, &m->identity);
	return code == 0 ? read_source(&s, max_recipients, m) : code;
}

void queue_message_release(struct queue_message *m)
{
	queue_header_release(&m->header);
	strbuf_release(&m->recipients);
	strbuf_release(&m->login);
	*m = (struct queue_message){0};
}

bool queue_message_is_notice(const struct queue_message *m, const char *myhostname)
{
	const struct queue_header *h = &m->header;

	return m->identity.has_sender && m->identity.sender[0] == '\0' && m->made_here &&
	       !m->came_by_client && m->identity.client.family == 0 && m->finished &&
	       !(m->message.flags & MESSAGE_CUT_RECIPIENTS) && m->message.recipient_count > 0 &&
	       !h->delivered_to && h->auto_replied && queue_header_received_by(h, myhostname) &&
	       queue_header_reported_by(h, myhostname);
}
