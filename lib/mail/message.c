/* SPDX-License-Identifier: ISC */
/* struct message: the empty one, and whose mail it is. */
#include "mail/message.h"

void message_init(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->sender = m->login = m->message_id = m->subject = "";
}

void message_domain(const char *normal, struct domain *ret)
{
	struct address address;

	address_split(normal, &address);
	*ret = address.domain;
}

/* Whether the first count of list hold d. Kinds differ where texts do not: "" is NULL or NONE. */
static bool holds(const struct domain *list, size_t count, const struct domain *d)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].kind == d->kind && strcmp(list[i].text, d->text) == 0)
			return true;
	}
	return false;
}

size_t message_authors(const struct message *m, struct domain *ret, size_t max)
{
	size_t count = 0;

	if (max == 0)
		return 0;
	message_domain(m->sender, &ret[count++]);
	strlist_each (mailbox, &m->from) {
		if (count == max)
			break;
		message_domain(mailbox, &ret[count]);
		count += !holds(ret, count, &ret[count]);
	}
	return count;
}
