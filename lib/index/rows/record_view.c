/* SPDX-License-Identifier: ISC */
#include "index/rows/record.h"
#include "index/rows/record_format.h"

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
	const char *id;
	size_t id_len;
	struct record_head *head; /* all members except queue_id */
	struct span rest;
};

static int lay_out(struct span stored, struct layout *ret)
{
	const struct record_start *start = stored.at;
	struct record_head *head = ret->head;
	size_t rest;

	if (stored.len < sizeof *start)
		return ERR_DAMAGED;
	if (start->version != RECORD_VERSION)
		return start->version == 0 ? ERR_DAMAGED : ERR_VERSION;
	rest = stored.len - sizeof *start;
	head->mail_time = start->mail_time;
	head->end_time = start->end_time;
	head->read = start->flags & HEAD_READ;
	head->moved = start->flags & HEAD_MOVED;
	head->author_count = start->author_count;
	head->authors.len = start->authors_len;
	ret->id_len = start->id_len;
	if (ret->id_len > QUEUE_ID_MAX || ret->id_len + head->authors.len > rest)
		return ERR_DAMAGED;
	ret->id = (const char *)(start + 1);
	head->authors.at = ret->id + ret->id_len;
	ret->rest.at = ret->id + ret->id_len + head->authors.len;
	ret->rest.len = rest - ret->id_len - head->authors.len;
	return 0;
}

bool record_is_whole(struct span stored)
{
	const struct record_start *start = stored.at;

	return stored.len >= HEAD_AT &&
	       start->sum == bytes_hash((const char *)start + HEAD_AT, stored.len - HEAD_AT);
}

static int check(struct span stored, struct layout *ret)
{
	int code;

	if (!record_is_whole(stored))
		return ERR_DAMAGED;
	code = lay_out(stored, ret);
	if (code != 0)
		return code;
	if (queue_id_parse(ret->id, ret->id_len, &ret->head->queue_id) != 0 ||
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
	uint16_t len;

	if (*at + sizeof len > head->authors.len)
		return 0;
	memcpy(&len, bytes + *at, sizeof len);
	*at += sizeof len;
	if (len == 0 || len > DOMAIN_KEY_MAX || len > head->authors.len - *at)
		return 0;
	*ret_key = (struct span){.at = bytes + *at, .len = len};
	*at += len;
	return 1;
}

/* The rest of a record, after its head. */
struct view {
	struct reader in;
	/* A peek does not look for NULs inside texts, which would take half of its time. */
	bool strict;
};

static const void *take(struct view *v, size_t size)
{
	return reader_take(&v->in, size);
}

static const char *take_text(struct view *v, size_t size)
{
	const char *text = take(v, size);

	if (text &&
	    (size == 0 || text[size - 1] != '\0' || (v->strict && strlen(text) != size - 1)))
		v->in.failed = true;
	return v->in.failed ? "" : text;
}

static struct strlist take_list(struct view *v, struct record_list size)
{
	struct strlist list = {.bytes = size.bytes, .count = size.count};
	const char *first = take(v, size.bytes);

	if (!first || list.bytes == 0 || v->strict) {
		v->in.failed =
		    v->in.failed || strlist_view(first, list.bytes, list.count, &list) != 0;
		return v->in.failed ? (struct strlist){0} : list;
	}
	list.first = first;
	v->in.failed = first[list.bytes - 1] != '\0';
	return list;
}

static struct net_address take_client(struct view *v, uint8_t family)
{
	struct net_address client = {.family = family};
	size_t size = record_client_size(family);
	const void *at = take(v, size);

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
	const struct record_given *n = take(v, sizeof *n);

	if (!n)
		return;
	m->connect_time = n->connect_time;
	m->rcpt_time = n->rcpt_time;
	m->client_port = n->port;
	m->recipient_count = n->recipient_count;
	m->client = take_client(v, n->family);
	m->sender = take_text(v, n->texts[0]);
	m->login = take_text(v, n->texts[1]);
	m->message_id = take_text(v, n->texts[2]);
	m->subject = take_text(v, n->texts[3]);
	m->from = take_list(v, n->from);
	m->recipients = take_list(v, n->recipients);
}

static void view_first(struct view *v, struct first_pass *first)
{
	const struct record_first *n = take(v, sizeof *n);
	const char *id;

	if (!n)
		return;
	first->client = take_client(v, n->family);
	id = take(v, n->id_len);
	if (n->id_len > QUEUE_ID_MAX || !id) {
		v->in.failed = true;
		return;
	}
	memcpy(first->queue_id.text, id, n->id_len);
	first->queue_id.text[n->id_len] = '\0';
	if (v->strict && n->id_len > 0 && queue_id_parse(id, n->id_len, &first->queue_id) != 0)
		v->in.failed = true;
	first->login = take_text(v, n->login);
}

static void view_queued_texts(struct view *v, const struct record_queued *n, struct message *m)
{
	struct queued *q = &m->queued;

	q->sender = n->same & SAME_SENDER ? m->sender : take_text(v, n->texts[0]);
	q->login = n->same & SAME_LOGIN ? m->login : take_text(v, n->texts[1]);
	q->message_id = n->same & SAME_MESSAGE_ID ? m->message_id : take_text(v, n->texts[2]);
	q->log_ident = take_text(v, n->texts[3]);
	q->from = n->same & SAME_FROM ? m->from : take_list(v, n->from);
	q->recipients = n->same & SAME_RECIPIENTS ? m->recipients : take_list(v, n->recipients);
	if (n->originals > 0)
		q->originals =
		    take_list(v, (struct record_list){q->recipients.count, n->originals});
}

static void view_queued(struct view *v, struct message *m)
{
	const struct record_queued *n = take(v, sizeof *n);
	struct queued *q = &m->queued;

	if (!n)
		return;
	q->known = true;
	q->arrival_time = n->arrival_time;
	q->create_time = n->create_time;
	q->inode = n->inode;
	q->size = n->size;
	q->uid = n->uid;
	q->client_port = n->port;
	q->recipient_count = n->recipient_count;
	if (n->same & ~SAME_ALL)
		v->in.failed = true;
	q->client = n->same & SAME_CLIENT ? m->client : take_client(v, n->family);
	q->log_client = n->same & SAME_LOG_CLIENT ? q->client : take_client(v, n->log_family);
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
	const struct record_common *n = take(&v, sizeof *n);

	if (!n || !parts_valid(n->parts, n->origin))
		return ERR_DAMAGED;
	m->origin = (enum message_origin)n->origin;
	m->flags = n->flags;
	if (n->parts & PART_GIVEN)
		view_given(&v, m);
	else
		m->rcpt_time = m->mail_time;
	if (n->parts & PART_FIRST)
		view_first(&v, &m->first);
	if (n->parts & PART_QUEUED)
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
