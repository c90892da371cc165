/* SPDX-License-Identifier: ISC */
#include <endian.h>

#include "index/rows/record.h"
#include "index/rows/record_format.h"

static uint16_t load16(const unsigned char *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof v);
	return le16toh(v);
}

static uint32_t load32(const unsigned char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
	return le32toh(v);
}

static uint64_t load64(const unsigned char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
	return le64toh(v);
}

static bool authors_valid(const struct record_head *head)
{
	struct span key;
	size_t at = 0;
	uint32_t count = 0;

	while (record_next_author(head, &at, &key) == 1)
		count++;
	return count == head->author_count && at == head->authors.len;
}

struct layout {
	const unsigned char *id;
	size_t id_len;
	struct record_head *head; /* all members except queue_id */
	struct span rest;
};

static int lay_out(struct span stored, struct layout *ret)
{
	const unsigned char *at = stored.at;
	struct record_head *head = ret->head;
	size_t rest;

	if (stored.len < HEAD_AT + HEAD_SIZE)
		return ERR_DAMAGED;
	if (at[0] != RECORD_VERSION)
		return at[0] == 0 ? ERR_DAMAGED : ERR_VERSION;
	at += HEAD_AT;
	rest = stored.len - HEAD_AT - HEAD_SIZE;
	head->mail_time = (int64_t)load64(at);
	head->end_time = (int64_t)load64(at + 8);
	ret->id_len = at[16];
	head->read = at[17] & HEAD_READ;
	head->moved = at[17] & HEAD_MOVED;
	head->author_count = at[18];
	head->authors.len = load16(at + 19);
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

static int check(struct span stored, struct layout *ret)
{
	int code;

	if (!record_is_whole(stored))
		return ERR_DAMAGED;
	code = lay_out(stored, ret);
	if (code != 0)
		return code;
	if (queue_id_parse((const char *)ret->id, ret->id_len, &ret->head->queue_id) != 0 ||
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

/* The rest of a record, after its head. */
struct view {
	struct reader in;
	/* A peek does not look for NULs inside texts, which would take half of its time. */
	bool strict;
};

static const unsigned char *take(struct view *v, size_t size)
{
	return reader_take(&v->in, size);
}

static const char *take_text(struct view *v, size_t size)
{
	const char *text = (const char *)take(v, size);

	if (text &&
	    (size == 0 || text[size - 1] != '\0' || (v->strict && strlen(text) != size - 1)))
		v->in.failed = true;
	return v->in.failed ? "" : text;
}

static struct strlist take_list(struct view *v, uint32_t count, size_t size)
{
	struct strlist list = {.bytes = size, .count = count};
	const char *first = (const char *)take(v, size);

	if (!first || size == 0 || v->strict) {
		v->in.failed = v->in.failed || strlist_view(first, size, count, &list) != 0;
		return v->in.failed ? (struct strlist){0} : list;
	}
	list.first = first;
	v->in.failed = first[size - 1] != '\0';
	return list;
}

static struct net_address take_client(struct view *v, uint8_t family)
{
	struct net_address client = {.family = family};
	size_t size = record_client_size(family);
	const unsigned char *at = take(v, size);

	if (!at || (size == 0 && family != 0)) {
		v->in.failed = true;
		return (struct net_address){0};
	}
	if (family == 4)
		client.at[10] = client.at[11] = 0xff;
	memcpy(client.at + sizeof client.at - size, at, size);
	return client;
}

static void view_given(struct view *v, struct message *m)
{
	const unsigned char *n = take(v, GIVEN_SIZE);

	if (!n)
		return;
	m->connect_time = (int64_t)load64(n);
	m->rcpt_time = (int64_t)load64(n + 8);
	m->client_port = load16(n + 17);
	m->recipient_count = load32(n + 19);
	m->client = take_client(v, n[16]);
	m->sender = take_text(v, load16(n + 23));
	m->login = take_text(v, load16(n + 25));
	m->message_id = take_text(v, load16(n + 27));
	m->subject = take_text(v, load16(n + 29));
	m->from = take_list(v, load32(n + 31), load32(n + 35));
	m->recipients = take_list(v, load32(n + 39), load32(n + 43));
}

static void view_first(struct view *v, struct first_pass *first)
{
	const unsigned char *n = take(v, FIRST_SIZE), *id;

	if (!n)
		return;
	first->client = take_client(v, n[1]);
	id = take(v, n[0]);
	if (n[0] > QUEUE_ID_MAX || !id) {
		v->in.failed = true;
		return;
	}
	memcpy(first->queue_id.text, id, n[0]);
	first->queue_id.text[n[0]] = '\0';
	if (v->strict && n[0] > 0 && queue_id_parse((const char *)id, n[0], &first->queue_id) != 0)
		v->in.failed = true;
	first->login = take_text(v, load16(n + 2));
}

static void view_queued_texts(struct view *v, const unsigned char *n, struct message *m)
{
	struct queued *q = &m->queued;
	unsigned same = load16(n + 44);

	q->sender = same & SAME_SENDER ? m->sender : take_text(v, load16(n + 50));
	q->login = same & SAME_LOGIN ? m->login : take_text(v, load16(n + 52));
	q->message_id = same & SAME_MESSAGE_ID ? m->message_id : take_text(v, load16(n + 54));
	q->log_ident = take_text(v, load16(n + 56));
	q->from = same & SAME_FROM ? m->from : take_list(v, load32(n + 58), load32(n + 62));
	q->recipients =
	    same & SAME_RECIPIENTS ? m->recipients : take_list(v, load32(n + 66), load32(n + 70));
	if (load32(n + 74) > 0)
		q->originals = take_list(v, q->recipients.count, load32(n + 74));
}

static void view_queued(struct view *v, struct message *m)
{
	const unsigned char *n = take(v, QUEUED_SIZE);
	struct queued *q = &m->queued;
	unsigned same;

	if (!n)
		return;
	same = load16(n + 44);
	q->known = true;
	q->arrival_time = (int64_t)load64(n);
	q->create_time = (int64_t)load64(n + 8);
	q->inode = load64(n + 16);
	q->size = (int64_t)load64(n + 24);
	q->uid = (int64_t)load64(n + 32);
	q->client_port = load16(n + 42);
	q->recipient_count = load32(n + 46);
	if (same & ~(unsigned)SAME_ALL)
		v->in.failed = true;
	q->client = same & SAME_CLIENT ? m->client : take_client(v, n[40]);
	q->log_client = same & SAME_LOG_CLIENT ? q->client : take_client(v, n[41]);
	view_queued_texts(v, n, m);
}

/* A record has a given half, or was made from the queue file. */
static bool parts_valid(unsigned parts, unsigned origin)
{
	if (parts & ~(unsigned)(PART_GIVEN | PART_FIRST | PART_QUEUED))
		return false;
	if (origin == ORIGIN_QUEUE)
		return !(parts & PART_GIVEN) && parts & PART_QUEUED;
	return (origin == ORIGIN_SMTPD || origin == ORIGIN_SENDMAIL) && parts & PART_GIVEN;
}

static int view_parts(struct span rest, bool strict, struct message *m)
{
	struct view v = {.in = reader_of(rest.at, rest.len), .strict = strict};
	const unsigned char *n;

	n = take(&v, COMMON_SIZE);
	if (!n || !parts_valid(n[0], n[1]))
		return ERR_DAMAGED;
	m->origin = (enum message_origin)n[1];
	m->flags = load32(n + 2);
	if (n[0] & PART_GIVEN)
		view_given(&v, m);
	else
		m->rcpt_time = m->mail_time;
	if (n[0] & PART_FIRST)
		view_first(&v, &m->first);
	if (n[0] & PART_QUEUED)
		view_queued(&v, m);
	return v.in.failed || (strict && !reader_done(&v.in)) ? ERR_DAMAGED : 0;
}

static void view_id(const struct layout *l, struct queue_id *ret)
{
	memcpy(ret->text, l->id, l->id_len);
	ret->text[l->id_len] = '\0';
}

int record_peek_id(struct span stored, struct queue_id *ret)
{
	struct record_head head;
	struct layout l = {.head = &head};
	int code = lay_out(stored, &l);

	if (code == 0)
		view_id(&l, ret);
	return code;
}

static int view_message(const struct layout *l, bool strict, struct message *ret)
{
	message_init(ret);
	view_id(l, &ret->queue_id);
	ret->mail_time = l->head->mail_time;
	ret->end_time = l->head->end_time;
	return view_parts(l->rest, strict, ret);
}

int record_peek(struct span stored, struct message *ret)
{
	struct record_head head;
	struct layout l = {.head = &head};
	int code = lay_out(stored, &l);

	return code != 0 ? code : view_message(&l, false, ret);
}

static bool head_agrees(const struct record_head *head, const struct message *m)
{
	struct queue_id_parts parts;

	if (head->read != m->queued.known)
		return false;
	queue_id_split(&head->queue_id, &parts);
	return head->moved == (head->read && parts.inode != m->queued.inode);
}

int record_decode(struct span stored, struct message *ret)
{
	struct record_head head;
	struct layout l = {.head = &head};
	int code = check(stored, &l);

	code = code ?: view_message(&l, true, ret);
	return code == 0 && !head_agrees(&head, ret) ? ERR_DAMAGED : code;
}
