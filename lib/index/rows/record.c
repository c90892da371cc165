/* SPDX-License-Identifier: ISC */
/*
 * The record codec.
 *
 * At 0: u8 version, u64 checksum of all that follows.
 *
 * At 9 the head: i64 mail_time, i64 end_time, u8 length of the queue ID, u8 number of author keys,
 * u16 bytes of them; queue ID, author keys (u16 length, bytes).
 *
 * Then the body: BODY_SIZE bytes of numbers, the client address in 0, 4 or 16 bytes, the texts one
 * behind the other, each with its NUL: sender, login, Message-ID, subject, header From mailboxes,
 * recipients.
 *
 * Versions after 1 keep the first line and the head, so that an older daemon can still drop their
 * rows.
 */
#include "index/rows/record.h"

#include "mail/from.h"

#define HEAD_AT    9  /* the checksum covers what begins here */
#define HEAD_SIZE  20 /* its numbers */
#define BODY_SIZE  48
#define TEXT_COUNT 4
#define LEN_MAX    UINT16_MAX /* of one text, its NUL counted */
#define AUTHOR_MAX (1 + FROM_MAILBOX_MAX)

static uint16_t load16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const unsigned char *at)
{
	return load16(at) | (uint32_t)load16(at + 2) << 16;
}

static uint64_t load64(const unsigned char *at)
{
	return load32(at) | (uint64_t)load32(at + 4) << 32;
}

/* Bytes of an address that are kept: the last four hold all of IPv4. */
static size_t client_size(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

/* ---- out */

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
	bytes_put_u8(out, 0);
}

static void put_list(struct bytes *out, const struct strlist *list)
{
	if (list->bytes > 0)
		bytes_put(out, list->first, list->bytes);
}

static void put_head(const struct message *m, struct bytes *out)
{
	struct domain authors[AUTHOR_MAX];
	unsigned char key[DOMAIN_KEY_MAX];
	size_t count = message_authors(m, authors, AUTHOR_MAX);
	size_t id_len = strlen(m->queue_id.text), size_at;

	bytes_put_i64(out, m->mail_time);
	bytes_put_i64(out, m->end_time);
	bytes_put_u8(out, (uint8_t)id_len);
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

static void put_body(const struct message *m, struct bytes *out)
{
	const char *texts[TEXT_COUNT] = {m->sender, m->login, m->message_id, m->subject};
	size_t sizes[TEXT_COUNT], client;
	uint32_t flags = m->flags;

	for (size_t i = 0; i < TEXT_COUNT; i++)
		sizes[i] = text_size(texts[i], &flags);
	bytes_put_i64(out, m->connect_time);
	bytes_put_i64(out, m->rcpt_time);
	bytes_put_u8(out, (uint8_t)m->origin);
	bytes_put_u8(out, m->client.family);
	bytes_put_u16(out, m->client_port);
	bytes_put_u32(out, flags);
	bytes_put_u32(out, m->recipient_count);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		bytes_put_u16(out, (uint16_t)sizes[i]);
	bytes_put_u32(out, m->from.count);
	bytes_put_u32(out, (uint32_t)m->from.bytes);
	bytes_put_u32(out, m->recipients.count);
	client = client_size(m->client.family);
	bytes_put(out, m->client.at + sizeof m->client.at - client, client);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		put_text(out, texts[i], sizes[i]);
	put_list(out, &m->from);
	put_list(out, &m->recipients);
}

void record_encode(const struct message *m, struct bytes *out)
{
	size_t start = out->len;

	bytes_put_u8(out, RECORD_VERSION);
	bytes_put_u64(out, 0);
	put_head(m, out);
	put_body(m, out);
	if (!out->failed)
		bytes_set_u64(out, start + 1,
		    bytes_hash(out->at + start + HEAD_AT, out->len - start - HEAD_AT));
}

/* ---- in */

/* Whether the author keys are exactly count keys of a length that domain_key makes. */
static bool authors_valid(const struct record_head *head)
{
	struct span key;
	size_t at = 0;
	uint32_t count = 0;

	while (record_next_author(head, &at, &key) == 1)
		count++;
	return count == head->author_count && at == head->authors.len;
}

/* Where the parts of a record lie. */
struct layout {
	const unsigned char *id;
	size_t id_len;
	struct record_head *head; /* all but queue_id is filled in */
	struct span rest;
};

static int lay_out(struct span stored, struct layout *ret)
{
	const unsigned char *at = stored.at;
	struct record_head *head = ret->head;
	size_t rest;

	if (stored.len < HEAD_AT + HEAD_SIZE || at[0] == 0)
		return ERR_DAMAGED;
	at += HEAD_AT;
	rest = stored.len - HEAD_AT - HEAD_SIZE;
	head->mail_time = (int64_t)load64(at);
	head->end_time = (int64_t)load64(at + 8);
	ret->id_len = at[16];
	head->author_count = at[17];
	head->authors.len = load16(at + 18);
	at += HEAD_SIZE;
	if (ret->id_len > QUEUE_ID_MAX || ret->id_len + head->authors.len > rest)
		return ERR_DAMAGED;
	ret->id = at;
	head->authors.at = at + ret->id_len;
	ret->rest.at = at + ret->id_len + head->authors.len;
	ret->rest.len = rest - ret->id_len - head->authors.len;
	return 0;
}

bool record_is_whole(struct span stored)
{
	const unsigned char *at = stored.at;

	return stored.len >= HEAD_AT &&
	       load64(at + 1) == bytes_hash(at + HEAD_AT, stored.len - HEAD_AT);
}

/* The layout of a record whose checksum and head are right. */
static int check(struct span stored, struct layout *ret)
{
	if (!record_is_whole(stored) || lay_out(stored, ret) != 0 ||
	    queue_id_parse((const char *)ret->id, ret->id_len, &ret->head->queue_id) != 0 ||
	    !authors_valid(ret->head))
		return ERR_DAMAGED;
	return 0;
}

int record_head(struct span stored, struct record_head *ret)
{
	struct layout l = {.head = ret};

	return check(stored, &l);
}

int record_next_author(const struct record_head *head, size_t *at, struct span *ret_key)
{
	const unsigned char *bytes = head->authors.at;
	size_t len;

	if (*at + 2 > head->authors.len)
		return 0;
	len = load16(bytes + *at);
	if (len == 0 || len > DOMAIN_KEY_MAX || len > head->authors.len - *at - 2)
		return 0;
	ret_key->at = bytes + *at + 2;
	ret_key->len = len;
	*at += 2 + len;
	return 1;
}

/*
 * What texts must be. A peek is content if none runs past its place; whether they hold a NUL before
 * their end, which would be another text, takes half of the time of a view.
 */
enum strictness { PEEK, STRICT };

/* The terminated text of exactly size bytes at *at, which moves behind it; NULL if it is none. */
static const char *view_text(
    const unsigned char **at, const unsigned char *end, size_t size, enum strictness how)
{
	const char *text = (const char *)*at;

	if (size == 0 || size > (size_t)(end - *at) || text[size - 1] != '\0' ||
	    (how == STRICT && strlen(text) != size - 1))
		return NULL;
	*at += size;
	return text;
}

static int view_list(
    const unsigned char *at, size_t len, uint32_t count, enum strictness how, struct strlist *ret)
{
	const char *first = (const char *)at;

	if (how == STRICT || len == 0)
		return strlist_view(first, len, count, ret);
	*ret = (struct strlist){first, len, count};
	return first[len - 1] == '\0' ? 0 : ERR_DAMAGED;
}

static int view_texts(const unsigned char *body, const unsigned char *at, const unsigned char *end,
    enum strictness how, struct message *m)
{
	uint32_t from_bytes = load32(body + 40);

	m->sender = view_text(&at, end, load16(body + 28), how);
	m->login = m->sender ? view_text(&at, end, load16(body + 30), how) : NULL;
	m->message_id = m->login ? view_text(&at, end, load16(body + 32), how) : NULL;
	m->subject = m->message_id ? view_text(&at, end, load16(body + 34), how) : NULL;
	if (!m->subject || from_bytes > (size_t)(end - at) ||
	    view_list(at, from_bytes, load32(body + 36), how, &m->from) != 0)
		return ERR_DAMAGED;
	at += from_bytes;
	if (view_list(at, (size_t)(end - at), load32(body + 44), how, &m->recipients) != 0)
		return ERR_DAMAGED;
	return 0;
}

static int view_body(struct span rest, enum strictness how, struct message *m)
{
	const unsigned char *body = rest.at, *end = body + rest.len;
	size_t client;

	if (rest.len < BODY_SIZE)
		return ERR_DAMAGED;
	m->connect_time = (int64_t)load64(body);
	m->rcpt_time = (int64_t)load64(body + 8);
	m->origin = body[16];
	m->client.family = body[17];
	m->client_port = load16(body + 18);
	m->flags = load32(body + 20);
	m->recipient_count = load32(body + 24);
	client = client_size(m->client.family);
	if (m->origin < ORIGIN_SMTPD || m->origin > ORIGIN_SCAN ||
	    (client == 0 && m->client.family != 0) || client > rest.len - BODY_SIZE)
		return ERR_DAMAGED;
	memset(m->client.at, 0, sizeof m->client.at);
	if (m->client.family == 4)
		m->client.at[10] = m->client.at[11] = 0xff;
	memcpy(m->client.at + sizeof m->client.at - client, body + BODY_SIZE, client);
	return view_texts(body, body + BODY_SIZE + client, end, how, m);
}

static int view_message(
    struct span stored, const struct layout *l, enum strictness how, struct message *ret)
{
	if (*(const unsigned char *)stored.at > RECORD_VERSION)
		return ERR_VERSION;
	memcpy(ret->queue_id.text, l->id, l->id_len);
	ret->queue_id.text[l->id_len] = '\0';
	ret->mail_time = l->head->mail_time;
	ret->end_time = l->head->end_time;
	return view_body(l->rest, how, ret);
}

int record_peek(struct span stored, struct message *ret)
{
	struct record_head head;
	struct layout l = {.head = &head};
	int code = lay_out(stored, &l);

	return code != 0 ? code : view_message(stored, &l, PEEK, ret);
}

int record_view(struct span stored, struct message *ret)
{
	return record_is_whole(stored) ? record_peek(stored, ret) : ERR_DAMAGED;
}

int record_decode(struct span stored, struct message *ret)
{
	struct record_head head;
	struct layout l = {.head = &head};
	int code = check(stored, &l);

	return code != 0 ? code : view_message(stored, &l, STRICT, ret);
}
