/* SPDX-License-Identifier: ISC */
#include "index/rows/record.h"

#include "index/rows/record_format.h"
#include "mail/address/from.h"

#define LEN_MAX UINT16_MAX /* with the NUL */

static uint16_t text_size(const char *text, uint32_t *flags)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= LEN_MAX) {
		len = LEN_MAX - 1;
		*flags |= MESSAGE_CUT_TEXT;
	}
	return (uint16_t)(len + 1);
}

static void put_text(struct bytes *out, const char *text, size_t size)
{
	if (size > 1)
		bytes_put(out, text, size - 1);
	if (size > 0)
		bytes_put_u8(out, 0);
}

static struct record_list size_of(const struct strlist *list)
{
	return (struct record_list){list->count, (uint32_t)list->bytes};
}

static void put_list(struct bytes *out, const struct strlist *list)
{
	if (list->bytes > 0)
		bytes_put(out, list->first, list->bytes);
}

static void put_client(struct bytes *out, const struct net_address *client)
{
	size_t size = record_client_size(client->family);

	bytes_put(out, client->at + sizeof client->at - size, size);
}

static uint8_t head_flags(const struct message *m)
{
	struct queue_id_parts parts;

	if (!m->queued.known)
		return 0;
	queue_id_split(&m->queue_id, &parts);
	return HEAD_READ | (parts.inode == m->queued.inode ? 0 : HEAD_MOVED);
}

/* What follows is known later: the size of the author keys, the checksum, the flags. */
static void set(struct bytes *out, size_t at, const void *value, size_t size)
{
	if (!out->failed)
		memcpy(out->at + at, value, size);
}

static void put_head(const struct message *m, struct bytes *out)
{
	bool given = message_is_given(m);
	struct domain authors[MESSAGE_AUTHORS_MAX];
	unsigned char key[DOMAIN_KEY_MAX];
	size_t count = message_authors(m, authors, MESSAGE_AUTHORS_MAX);
	size_t id_len = strlen(m->queue_id.text), at = out->len;
	struct record_start start = {.version = RECORD_VERSION,
	    .mail_time = given ? m->mail_time : m->queued.arrival_time,
	    .end_time = given ? m->end_time : m->queued.arrival_time,
	    .id_len = (uint8_t)id_len,
	    .flags = head_flags(m),
	    .author_count = (uint8_t)count};

	bytes_put(out, &start, sizeof start);
	bytes_put(out, m->queue_id.text, id_len);
	for (size_t i = 0; i < count; i++) {
		uint16_t len = (uint16_t)domain_key(&authors[i], key);

		bytes_put(out, &len, sizeof len);
		bytes_put(out, key, len);
	}
	start.authors_len = (uint16_t)(out->len - at - sizeof start - id_len);
	set(out, at, &start, sizeof start);
}

/* Returns MESSAGE_CUT_TEXT if a text was cut. */
static uint32_t put_given(const struct message *m, struct bytes *out)
{
	const char *texts[TEXT_COUNT] = {m->sender, m->login, m->message_id, m->subject};
	struct record_given n = {.connect_time = m->connect_time,
	    .rcpt_time = m->rcpt_time,
	    .family = m->client.family,
	    .port = m->client_port,
	    .recipient_count = m->recipient_count,
	    .from = size_of(&m->from),
	    .recipients = size_of(&m->recipients)};
	uint32_t cut = 0;

	for (size_t i = 0; i < TEXT_COUNT; i++)
		n.texts[i] = text_size(texts[i], &cut);
	bytes_put(out, &n, sizeof n);
	put_client(out, &m->client);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		put_text(out, texts[i], n.texts[i]);
	put_list(out, &m->from);
	put_list(out, &m->recipients);
	return cut;
}

static bool is_first_known(const struct first_pass *first)
{
	return first->queue_id.text[0] || (first->login && first->login[0]) ||
	       first->client.family != 0;
}

static uint32_t put_first(const struct first_pass *first, struct bytes *out)
{
	size_t id_len = strlen(first->queue_id.text);
	uint32_t cut = 0;
	struct record_first n = {
	    (uint8_t)id_len, first->client.family, text_size(first->login, &cut)};

	bytes_put(out, &n, sizeof n);
	put_client(out, &first->client);
	bytes_put(out, first->queue_id.text, id_len);
	put_text(out, first->login, n.login);
	return cut;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_client(const struct net_address *a, const struct net_address *b)
{
	return a->family == b->family && (a->family == 0 || net_equal(a, b));
}

static unsigned same_of(const struct message *m)
{
	struct message none;
	const struct queued *q = &m->queued;
	unsigned same = same_client(&q->client, &q->log_client) ? SAME_LOG_CLIENT : 0;

	message_init(&none);
	if (!message_is_given(m))
		m = &none;
	same |= same_text(q->sender, m->sender) ? SAME_SENDER : 0;
	same |= same_text(q->login, m->login) ? SAME_LOGIN : 0;
	same |= same_text(q->message_id, m->message_id) ? SAME_MESSAGE_ID : 0;
	same |= strlist_equal(&q->from, &m->from) ? SAME_FROM : 0;
	same |= strlist_equal(&q->recipients, &m->recipients) ? SAME_RECIPIENTS : 0;
	same |= same_client(&q->client, &m->client) ? SAME_CLIENT : 0;
	return same;
}

static uint32_t put_queued(const struct queued *q, unsigned same, struct bytes *out)
{
	const char *texts[TEXT_COUNT] = {q->sender, q->login, q->message_id, q->log_ident};
	static const struct strlist none;
	const struct strlist *from = same & SAME_FROM ? &none : &q->from;
	const struct strlist *recipients = same & SAME_RECIPIENTS ? &none : &q->recipients;
	struct record_queued n = {.arrival_time = q->arrival_time,
	    .create_time = q->create_time,
	    .inode = q->inode,
	    .size = q->size,
	    .uid = q->uid,
	    .family = q->client.family,
	    .log_family = q->log_client.family,
	    .port = q->client_port,
	    .same = (uint16_t)same,
	    .recipient_count = q->recipient_count,
	    .from = size_of(from),
	    .recipients = size_of(recipients),
	    .originals = (uint32_t)q->originals.bytes};
	uint32_t cut = 0;

	for (size_t i = 0; i < TEXT_COUNT; i++)
		n.texts[i] = same & 1u << i ? 0 : text_size(texts[i], &cut);
	bytes_put(out, &n, sizeof n);
	if (!(same & SAME_CLIENT))
		put_client(out, &q->client);
	if (!(same & SAME_LOG_CLIENT))
		put_client(out, &q->log_client);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		put_text(out, texts[i], n.texts[i]);
	put_list(out, from);
	put_list(out, recipients);
	put_list(out, &q->originals);
	return cut;
}

static void put_parts(const struct message *m, struct bytes *out)
{
	unsigned parts = (message_is_given(m) ? PART_GIVEN : 0) |
			 (m->queued.known ? PART_QUEUED : 0) |
			 (is_first_known(&m->first) ? PART_FIRST : 0);
	struct record_common common = {(uint8_t)parts, (uint8_t)m->origin, m->flags};
	size_t at = out->len;

	bytes_put(out, &common, sizeof common);
	if (parts & PART_GIVEN)
		common.flags |= put_given(m, out);
	if (parts & PART_FIRST)
		common.flags |= put_first(&m->first, out);
	if (parts & PART_QUEUED)
		common.flags |= put_queued(&m->queued, same_of(m), out);
	set(out, at, &common, sizeof common);
}

void record_encode(const struct message *m, struct bytes *out)
{
	size_t start = out->len;
	uint64_t sum;

	put_head(m, out);
	put_parts(m, out);
	/* If memory was short, an author key may be wrong. */
	out->failed |= domain_lacked_memory();
	if (out->failed)
		return;
	sum = bytes_hash(out->at + start + HEAD_AT, out->len - start - HEAD_AT);
	set(out, start + offsetof(struct record_start, sum), &sum, sizeof sum);
}
