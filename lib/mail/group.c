/* SPDX-License-Identifier: ISC */
#include "mail/group.h"

#include "base/clock.h"

#define MINUTE (60 * USEC_PER_SEC)

static const char *const words[GROUP_KINDS] = {"sender", "from", "recipient", "login", "client"};

const char *group_word(enum group_kind kind)
{
	return words[kind];
}

int group_kind_of(const char *word, enum group_kind *ret)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum group_kind)i;
			return 0;
		}
	return ERR_SYNTAX;
}

unsigned group_age(int64_t usec)
{
	unsigned column = 0;

	for (int64_t bound = 5 * MINUTE; column < GROUP_AGES - 1 && usec > bound; bound *= 2)
		column++;
	return column;
}

static int put_domain(const char *address, int (*put)(void *arg, const char *name), void *arg)
{
	struct domain d;

	if (!*address)
		return put(arg, "<>");
	message_domain(address, &d);
	return put(arg, d.text);
}

static int put_list(const struct strlist *list, int (*put)(void *arg, const char *name), void *arg)
{
	int code = list->count ? 0 : put(arg, "");

	strlist_each (address, list) {
		code = code ?: put_domain(address, put, arg);
	}
	return code;
}

const char *group_login(const struct message *m, bool login_exact, char buf[MESSAGE_TEXT_MAX + 1])
{
	const char *login = message_login(m);

	if (login_exact)
		return login;
	snprintf(buf, MESSAGE_TEXT_MAX + 1, "%s", login);
	str_lower_all(buf, strlen(buf));
	return buf;
}

int group_each(const struct message *m, enum group_kind kind, bool login_exact,
    int (*put)(void *arg, const char *name), void *arg)
{
	char client[NET_TEXT_SIZE], login[MESSAGE_TEXT_MAX + 1];
	uint32_t ignored;

	switch (kind) {
	case GROUP_SENDER:
		return put_domain(message_sender(m), put, arg);
	case GROUP_FROM:
		return put_list(message_from(m), put, arg);
	case GROUP_RECIPIENT:
		return put_list(message_waiting(m, &ignored), put, arg);
	case GROUP_LOGIN:
		return put(arg, group_login(m, login_exact, login));
	default:
		return put(arg, net_text(message_outer_client(m), client));
	}
}
