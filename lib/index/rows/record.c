/* SPDX-License-Identifier: ISC */
#include "index/rows/record.h"

#include "index/rows/record_format.h"
#include "mail/address/from.h"

#define LEN_MAX UINT16_MAX /* with the NUL */

static size_t text_size(const char *text, uint32_t *flags)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= LEN_MAX) {
		len = LEN_MAX - 1;
		*flags |= MESSAGE_CUT_TEXT;
	}
	return len + 1;
}

static void put_text(struct bytes *out, const char *text, size_t size)
{
	if (size > 1)
		bytes_put(out, text, size - 1);
	if (size > 0)
		bytes_put_u8(out, 0);
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

static void put_head(const struct message *m, struct bytes *out)
{
	bool given = message_is_given(m);
	struct domain authors[MESSAGE_AUTHORS_MAX];
	unsigned char key[DOMAIN_KEY_MAX];
	size_t count = message_authors(m, authors, MESSAGE_AUTHORS_MAX);
	size_t id_len = strlen(m->queue_id.text), size_at;

	bytes_put_i64(out, given ? m->mail_time : m->queued.arrival_time);
	bytes_put_i64(out, given ? m->end_time : m->queued.arrival_time);
	bytes_put_u8(out, (uint8_t)id_len);
	bytes_put_u8(out, head_flags(m));
	bytes_put_u8(out, (uint8_t)count);
	size_at = out->len;
	bytes_put_u16(out, 0);
	bytes_put(out, m->queue_id.text, id_len);
	for (size_t i = 0; i < count; i++) {
		size_t len = domain_key(&authors[i], key);

		bytes_put_u16(out, (uint16_t)len);
		bytes_put(out, key, len);
	}
	if (!out->failed) {
		size_t size = out->len - size_at - 2 - id_len;

		out->at[size_at] = (unsigned char)size;
		out->at[size_at + 1] = (unsigned char)(size >> 8);
	}
}

static void put_given(const struct message *m, const size_t sizes[TEXT_COUNT], struct bytes *out)
{
	const char *texts[TEXT_COUNT] = {m->sender, m->login, m->message_id, m->subject};

	bytes_put_i64(out, m->connect_time);
	bytes_put_i64(out, m->rcpt_time);
	bytes_put_u8(out, m->client.family);
	bytes_put_u16(out, m->client_port);
	bytes_put_u32(out, m->recipient_count);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		bytes_put_u16(out, (uint16_t)sizes[i]);
	bytes_put_u32(out, m->from.count);
	bytes_put_u32(out, (uint32_t)m->from.bytes);
	bytes_put_u32(out, m->recipients.count);
	bytes_put_u32(out, (uint32_t)m->recipients.bytes);
	put_client(out, &m->client);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		put_text(out, texts[i], sizes[i]);
	put_list(out, &m->from);
	put_list(out, &m->recipients);
}

static bool is_first_known(const struct first_pass *first)
{
	return first->queue_id.text[0] || (first->login && first->login[0]) ||
	       first->client.family != 0;
}

static void put_first(const struct first_pass *first, size_t login_size, struct bytes *out)
{
	size_t id_len = strlen(first->queue_id.text);

	bytes_put_u8(out, (uint8_t)id_len);
	bytes_put_u8(out, first->client.family);
	bytes_put_u16(out, (uint16_t)login_size);
	put_client(out, &first->client);
	bytes_put(out, first->queue_id.text, id_len);
	put_text(out, first->login, login_size);
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

static void put_queued(
    const struct queued *q, unsigned same, const size_t sizes[TEXT_COUNT], struct bytes *out)
{
	const char *texts[TEXT_COUNT] = {q->sender, q->login, q->message_id, q->log_ident};
	static const struct strlist none;
	const struct strlist *from = same & SAME_FROM ? &none : &q->from;
	const struct strlist *recipients = same & SAME_RECIPIENTS ? &none : &q->recipients;

	bytes_put_i64(out, q->arrival_time);
	bytes_put_i64(out, q->create_time);
	bytes_put_u64(out, q->inode);
	bytes_put_i64(out, q->size);
	bytes_put_i64(out, q->uid);
	bytes_put_u8(out, q->client.family);
	bytes_put_u8(out, q->log_client.family);
	bytes_put_u16(out, q->client_port);
	bytes_put_u16(out, (uint16_t)same);
	bytes_put_u32(out, q->recipient_count);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		bytes_put_u16(out, (uint16_t)(same & 1u << i ? 0 : sizes[i]));
	bytes_put_u32(out, from->count);
	bytes_put_u32(out, (uint32_t)from->bytes);
	bytes_put_u32(out, recipients->count);
	bytes_put_u32(out, (uint32_t)recipients->bytes);
	bytes_put_u32(out, (uint32_t)q->originals.bytes);
	if (!(same & SAME_CLIENT))
		put_client(out, &q->client);
	if (!(same & SAME_LOG_CLIENT))
		put_client(out, &q->log_client);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		put_text(out, texts[i], same & 1u << i ? 0 : sizes[i]);
	put_list(out, from);
	put_list(out, recipients);
	put_list(out, &q->originals);
}

/* Sizes are computed first: a text that is cut sets a flag, which is stored before the texts. */
static void put_parts(const struct message *m, struct bytes *out)
{
	const struct queued *q = &m->queued;
	const char *given[TEXT_COUNT] = {m->sender, m->login, m->message_id, m->subject};
	const char *queued[TEXT_COUNT] = {q->sender, q->login, q->message_id, q->log_ident};
	size_t given_sizes[TEXT_COUNT], queued_sizes[TEXT_COUNT], login_size;
	uint32_t flags = m->flags;
	unsigned parts = (message_is_given(m) ? PART_GIVEN : 0) | (q->known ? PART_QUEUED : 0) |
			 (is_first_known(&m->first) ? PART_FIRST : 0);

	for (size_t i = 0; i < TEXT_COUNT; i++) {
		given_sizes[i] = text_size(given[i], &flags);
		queued_sizes[i] = text_size(queued[i], &flags);
	}
	login_size = text_size(m->first.login, &flags);
	bytes_put_u8(out, (uint8_t)parts);
	bytes_put_u8(out, (uint8_t)m->origin);
	bytes_put_u32(out, flags);
	if (parts & PART_GIVEN)
		put_given(m, given_sizes, out);
	if (parts & PART_FIRST)
		put_first(&m->first, login_size, out);
	if (parts & PART_QUEUED)
		put_queued(q, same_of(m), queued_sizes, out);
}

void record_encode(const struct message *m, struct bytes *out)
{
	size_t start = out->len;

	bytes_put_u8(out, RECORD_VERSION);
	bytes_put_u64(out, 0);
	put_head(m, out);
	put_parts(m, out);
	/* If memory was short, an author key may be wrong. */
	out->failed |= domain_lacked_memory();
	if (!out->failed)
		bytes_set_u64(out, start + 1,
		    bytes_hash(out->at + start + HEAD_AT, out->len - start - HEAD_AT));
}
