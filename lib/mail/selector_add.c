/* SPDX-License-Identifier: ISC */
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
	free(s->clients.list);
	free(s->uids.list);
	free(s->ids.list);
	memset(s, 0, sizeof(*s));
}

int pattern_set_add(struct pattern_set *set, struct pattern *p)
{
	int code = array_add(set, *p);

	if (code == 0)
		memset(p, 0, sizeof(*p));
	return code;
}

int selector_add_client(struct selector *s, const char *block, struct err *err)
{
	struct net_block parsed;

	if (net_parse_block(block, &parsed) != 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is no client address or network (192.0.2.1, 192.0.2.0/24, "
		    "2001:db8::/32; no bits below the mask)",
		    block);
	return array_add(&s->clients, parsed);
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
	return array_add(&s->uids, uid);
}

int selector_add_id(struct selector *s, const struct queue_id *id)
{
	s->ids_given = true;
	return array_add(&s->ids, *id);
}
