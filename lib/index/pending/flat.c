/* SPDX-License-Identifier: ISC */
#include "index/pending/flat.h"

enum { SENDER, LOGIN, MESSAGE_ID, SUBJECT, TEXTS };

/* A change needs a new RECORD_VERSION, too. */
struct head {
	struct queue_id queue_id;
	int64_t connect_time, mail_time, rcpt_time, end_time;
	struct net_address client;
	uint16_t client_port, origin;
	uint32_t flags, recipient_count;
	uint32_t texts[TEXTS]; /* bytes, with the NUL */
	uint32_t from_count, from_bytes, recipients_count, recipients_bytes;
	uint32_t fields_count, fields_bytes;
};

static unsigned char *put(unsigned char *at, const char *text, size_t len)
{
	if (len > 0)
		memcpy(at, text, len);
	return at + len;
}

size_t flat_write(
    const struct message *m, const struct strlist *fields, unsigned char *to, size_t size)
{
	const char *texts[TEXTS] = {m->sender, m->login, m->message_id, m->subject};
	unsigned char *at = to + sizeof(struct head);
	size_t len = sizeof(struct head), sizes[TEXTS];
	struct head head;

	for (int i = 0; i < TEXTS; i++)
		len += sizes[i] = strlen(texts[i]) + 1;
	len += m->from.bytes + m->recipients.bytes + fields->bytes;
	if (len > size || m->queued.known || !message_is_given(m))
		return 0;
	memset(&head, 0, sizeof head);
	head.queue_id = m->queue_id;
	head.connect_time = m->connect_time;
	head.mail_time = m->mail_time;
	head.rcpt_time = m->rcpt_time;
	head.end_time = m->end_time;
	head.client = m->client;
	head.client_port = m->client_port;
	head.origin = (uint16_t)m->origin;
	head.flags = m->flags;
	head.recipient_count = m->recipient_count;
	for (int i = 0; i < TEXTS; i++) {
		head.texts[i] = (uint32_t)sizes[i];
		at = put(at, texts[i], sizes[i]);
	}
	head.from_count = m->from.count;
	head.from_bytes = (uint32_t)m->from.bytes;
	head.recipients_count = m->recipients.count;
	head.recipients_bytes = (uint32_t)m->recipients.bytes;
	head.fields_count = fields->count;
	head.fields_bytes = (uint32_t)fields->bytes;
	at = put(at, m->from.first, m->from.bytes);
	at = put(at, m->recipients.first, m->recipients.bytes);
	(void)put(at, fields->first, fields->bytes);
	memcpy(to, &head, sizeof head);
	return len;
}

static const char *take_text(struct reader *r, size_t size)
{
	const char *text = reader_take(r, size);

	if (text && size > 0 && memchr(text, '\0', size) == text + size - 1)
		return text;
	r->failed = true;
	return "";
}

static struct strlist take_list(struct reader *r, size_t bytes, uint32_t count)
{
	const char *at = reader_take(r, bytes);
	struct strlist list = {0};

	if (!at || strlist_view(at, bytes, count, &list) != 0)
		r->failed = true;
	return list;
}

static bool is_sound(const struct head *h)
{
	return (h->origin == ORIGIN_SMTPD || h->origin == ORIGIN_SENDMAIL) &&
	       (h->client.family == 0 || h->client.family == 4 || h->client.family == 6);
}

int flat_read(struct span from, struct message *ret, struct strlist *ret_fields)
{
	struct reader r = reader_of(from.at, from.len);
	const void *at = reader_take(&r, sizeof(struct head));
	const char **texts[TEXTS] = {&ret->sender, &ret->login, &ret->message_id, &ret->subject};
	struct head h;

	message_init(ret);
	if (!at)
		return ERR_SYNTAX;
	memcpy(&h, at, sizeof h);
	if (!is_sound(&h) ||
	    queue_id_parse(h.queue_id.text, strnlen(h.queue_id.text, sizeof h.queue_id.text),
		&ret->queue_id) != 0)
		return ERR_SYNTAX;
	ret->origin = (enum message_origin)h.origin;
	ret->flags = h.flags;
	ret->connect_time = h.connect_time;
	ret->mail_time = h.mail_time;
	ret->rcpt_time = h.rcpt_time;
	ret->end_time = h.end_time;
	ret->client = h.client;
	ret->client_port = h.client_port;
	ret->recipient_count = h.recipient_count;
	for (int i = 0; i < TEXTS; i++)
		*texts[i] = take_text(&r, h.texts[i]);
	ret->from = take_list(&r, h.from_bytes, h.from_count);
	ret->recipients = take_list(&r, h.recipients_bytes, h.recipients_count);
	*ret_fields = take_list(&r, h.fields_bytes, h.fields_count);
	return reader_done(&r) ? 0 : ERR_SYNTAX;
}
