/* SPDX-License-Identifier: ISC */
#include "mail/message.h"

void message_init(struct message *m)
{
	struct queued *q = &m->queued;

	memset(m, 0, sizeof(*m));
	m->sender = m->login = m->message_id = m->subject = "";
	q->sender = q->login = q->message_id = q->log_ident = "";
	q->create_time = q->size = q->uid = -1;
	m->first.login = "";
}

const char *message_sender(const struct message *m)
{
	return m->queued.known ? m->queued.sender : m->sender;
}

const char *message_login(const struct message *m)
{
	if (m->login[0])
		return m->login;
	return m->queued.login[0] ? m->queued.login : m->first.login;
}

const char *message_id_of(const struct message *m)
{
	return m->message_id[0] ? m->message_id : m->queued.message_id;
}

const struct strlist *message_from(const struct message *m)
{
	return m->from.count > 0 ? &m->from : &m->queued.from;
}

bool message_from_is_cut(const struct message *m)
{
	unsigned cut = m->queued.known ? MESSAGE_CUT_QUEUED_FROM : MESSAGE_CUT_FROM;

	return (m->flags & cut) != 0;
}

const struct net_address *message_client(const struct message *m, uint16_t *ret_port)
{
	bool given = m->client.family != 0;

	if (ret_port)
		*ret_port = given ? m->client_port : m->queued.client_port;
	return given ? &m->client : &m->queued.client;
}

const struct net_address *message_outer_client(const struct message *m)
{
	return m->first.client.family ? &m->first.client : message_client(m, NULL);
}

const struct strlist *message_waiting(const struct message *m, uint32_t *ret_count)
{
	*ret_count = m->queued.known ? m->queued.recipient_count : m->recipient_count;
	return m->queued.known ? &m->queued.recipients : &m->recipients;
}

int64_t message_arrival(const struct message *m)
{
	return m->queued.known ? m->queued.arrival_time : m->mail_time;
}

void message_domain(const char *normal, struct domain *ret)
{
	struct address address;

	address_split(normal, &address);
	*ret = address.domain;
}

struct authors {
	struct domain *list;
	size_t count, max;
};

/* The kind counts, too: "" is NULL or NONE. */
static void add_domain(struct authors *a, const struct domain *d)
{
	if (a->count == a->max)
		return;
	for (size_t i = 0; i < a->count; i++)
		if (domain_equal(&a->list[i], d))
			return;
	a->list[a->count++] = *d;
}

static void add_author(struct authors *a, const char *normal)
{
	struct domain d;

	message_domain(normal, &d);
	add_domain(a, &d);
}

static void add_half(struct authors *a, const char *sender, const struct strlist *from)
{
	add_author(a, sender);
	strlist_each (mailbox, from)
		add_author(a, mailbox);
}

size_t message_authors(const struct message *m, struct domain *ret, size_t max)
{
	static const struct domain cut = {.text = MESSAGE_AUTHORS_CUT, .kind = DOMAIN_RAW};
	struct authors a = {.list = ret, .max = max};

	if (message_is_given(m))
		add_half(&a, m->sender, &m->from);
	if (m->queued.known)
		add_half(&a, m->queued.sender, &m->queued.from);
	if (message_from_is_cut(m))
		add_domain(&a, &cut);
	return a.count;
}
