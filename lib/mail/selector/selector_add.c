/* SPDX-License-Identifier: ISC */
#include "mail/selector/selector.h"

void selector_init(struct selector *s)
{
	memset(s, 0, sizeof(*s));
	s->larger_than = -1;
}

void selector_release(struct selector *s)
{
	struct pattern_set *sets[] = {&s->author, &s->sender, &s->from, &s->recipient,
	    &s->login_patterns, &s->subject, &s->why};

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

int pattern_set_parse(struct pattern_set *set, const char *text, struct err *err)
{
	AUTO(pattern_release) struct pattern p = {0};
	int code = pattern_parse(text, &p, err);

	if (code == 0 && pattern_set_add(set, &p) < 0)
		code = err_set(err, -ENOMEM, "out of memory");
	return code;
}

int selector_add_client(struct selector *s, const char *block, struct err *err)
{
	struct net_block parsed;

	if (net_parse_block(block, &parsed) != 0)
		return err_set(err, ERR_SYNTAX,
		    "'%s' is not a client address or network (192.0.2.1, 192.0.2.0/24, "
		    "2001:db8::/32; no bits below the mask)",
		    block);
	return array_add(&s->clients, parsed);
}

int selector_add_login(struct selector *s, const char *login)
{
	/* Most mail has the login "", so asking for it is a mistake. */
	if (!*login)
		return ERR_SYNTAX;
	strlist_push(&s->logins, login, strlen(login));
	return s->logins.failed ? -ENOMEM : 0;
}

static int parse_login_pattern(const char *text, struct pattern *ret, struct err *err)
{
	int code = pattern_parse(*text == '@' ? text + 1 : text, ret, err);

	if (code < 0 || *text == '/' || ret->kind == PATTERN_DOMAIN)
		return code;
	pattern_release(ret);
	return err_set(err, ERR_SYNTAX,
	    "'%s' is not a domain (@example.com means all logins of that domain)", text);
}

int selector_add_login_text(struct selector *s, const char *text, struct err *err)
{
	AUTO(pattern_release) struct pattern p = {0};
	int code;

	if (*text != '@' && *text != '/') {
		code = selector_add_login(s, text);
		return code < 0 ? err_set(err, code, "%s", err_word(code)) : 0;
	}
	code = parse_login_pattern(text, &p, err);
	return code ?: pattern_set_add(&s->login_patterns, &p);
}

int selector_set_login_case(struct selector *s, bool exact)
{
	int code = 0;

	s->login_exact = exact;
	for (size_t n = 0; !exact && code == 0 && n < s->login_patterns.count; n++)
		code = pattern_ignore_case(&s->login_patterns.list[n]);
	return code;
}

int selector_add_message_id(struct selector *s, const char *id)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	/* header.c drops them: such an ID was folded. */
	for (; *id; id++)
		if (!str_is_blank(*id))
			strbuf_putc(&text, *id);
	if (text.failed)
		return -ENOMEM;
	const char *begin = strbuf_text(&text), *end = begin + text.len;
	begin += *begin == '<';
	end -= end > begin && end[-1] == '>';
	if (end == begin)
		return ERR_SYNTAX;
	strlist_push(&s->message_ids, begin, (size_t)(end - begin));
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
