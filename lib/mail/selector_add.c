/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "mail/selector.h"

void selector_init(struct selector *s)
{
	memset(s, 0, sizeof(*s));
	s->larger_than = -1;
}

void selector_release(struct selector *s)
{
	struct pattern_set *sets[] = {&s->author, &s->sender, &s->from, &s->recipient};

	for (size_t n = 0; n < COUNT_OF(sets); n++) {
		for (size_t i = 0; i < sets[n]->count; i++)
			pattern_release(&sets[n]->list[i]);
		free(sets[n]->list);
	}
	strbuf_release(&s->logins);
	strbuf_release(&s->message_ids);
	free(s->clients);
	free(s->uids);
	free(s->ids);
	memset(s, 0, sizeof(*s));
}

/* Room for one more in an array that grows whenever its count is a power of two. */
static void *grown(void *list, size_t count, size_t size)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return list;
	return reallocarray(list, count > 0 ? 2 * count : 1, size);
}

int pattern_set_add(struct pattern_set *set, struct pattern *p)
{
	struct pattern *list = grown(set->list, set->count, sizeof(*list));

	if (!list)
		return -ENOMEM;
	set->list = list;
	set->list[set->count++] = *p;
	memset(p, 0, sizeof(*p));
	return 0;
}

int selector_add_client(struct selector *s, const char *block, struct err *err)
{
	struct net_block *clients, parsed;

	if (net_parse_block(block, &parsed) != 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is no client address or network (192.0.2.1, 192.0.2.0/24, "
		    "2001:db8::/32; no bits below the mask)",
		    block);
	clients = grown(s->clients, s->client_count, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	s->clients = clients;
	s->clients[s->client_count++] = parsed;
	return 0;
}

int selector_add_login(struct selector *s, const char *login)
{
	/* Most mail records "", so asking for that is a mistake. */
	if (!*login)
		return ERR_SYNTAX;
	strlist_push(&s->logins, login, strlen(login));
	return s->logins.failed ? -ENOMEM : 0;
}

int selector_add_message_id(struct selector *s, const char *id)
{
	size_t len = strlen(id);

	if (len > 0 && id[0] == '<') {
		id++;
		len--;
	}
	if (len > 0 && id[len - 1] == '>')
		len--;
	if (len == 0)
		return ERR_SYNTAX;
	strlist_push(&s->message_ids, id, len);
	return s->message_ids.failed ? -ENOMEM : 0;
}

int selector_add_uid(struct selector *s, uid_t uid)
{
	uint64_t *uids = grown(s->uids, s->uid_count, sizeof(*uids));

	if (!uids)
		return -ENOMEM;
	s->uids = uids;
	s->uids[s->uid_count++] = uid;
	return 0;
}

int selector_add_id(struct selector *s, const struct queue_id *id)
{
	struct queue_id *ids = grown(s->ids, s->id_count, sizeof(*ids));

	s->ids_given = true;
	if (!ids)
		return -ENOMEM;
	s->ids = ids;
	s->ids[s->id_count++] = *id;
	return 0;
}
