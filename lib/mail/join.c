/* SPDX-License-Identifier: ISC */
#include "mail/join.h"

#define TOKEN_MAX 256 /* bytes of a name, an address, a protocol or an ID */

static bool skip_blanks(const char **at)
{
	const char *begin = *at;

	while (str_is_blank(**at))
		++*at;
	return *at > begin;
}

static bool skip_word(const char **at, const char *word)
{
	const char *behind = *at + strlen(word);

	if (!str_starts(*at, word) || !skip_blanks(&behind))
		return false;
	*at = behind;
	return true;
}

/* False if it is empty or too long. */
static bool take_until(const char **at, const char *ends, char token[TOKEN_MAX + 1])
{
	size_t len = strcspn(*at, ends);

	if (len == 0 || len > TOKEN_MAX)
		return false;
	memcpy(token, *at, len);
	token[len] = '\0';
	*at += len;
	return true;
}

/* Takes a comment and the blanks after it. Postfix balances parentheses (comment_sanitize). */
static bool take_comment(const char **at, const char **ret_text, size_t *ret_len)
{
	const char *c = *at;
	unsigned depth = 0;

	if (*c != '(')
		return false;
	do {
		depth += *c == '(';
		depth -= *c == ')';
		c++;
	} while (depth > 0 && *c);
	if (depth > 0)
		return false;
	*ret_text = *at + 1;
	*ret_len = (size_t)(c - *ret_text) - 1;
	*at = c;
	return skip_blanks(at);
}

/* "(NAME [ADDRESS])". */
static bool take_client(const char **at, struct net_address *ret)
{
	char token[TOKEN_MAX + 1];

	*ret = (struct net_address){.family = 0};
	if (*(*at)++ != '(' || !take_until(at, " \t\r\n()[]", token) || !skip_blanks(at) ||
	    *(*at)++ != '[' || !take_until(at, " \t\r\n()[]", token) || !str_starts(*at, "])"))
		return false;
	*at += 2;
	if (net_parse(token, ret) < 0 && strcmp(token, "unknown") != 0)
		return false;
	return skip_blanks(at);
}

/* "(Authenticated sender: LOGIN)". comment_sanitize writes '?' for other bytes and may add
 * parentheses, so a login with these could be another user's. */
static void take_login(const char *text, size_t len, struct received_pass *pass)
{
	static const char mark[] = "Authenticated sender: ";
	size_t skip = sizeof(mark) - 1;

	if (len <= skip || strncmp(text, mark, skip) != 0)
		return;
	text += skip;
	len -= skip;
	if (len > MESSAGE_TEXT_MAX || memchr(text, '?', len) || memchr(text, '(', len) ||
	    memchr(text, ')', len))
		return;
	memcpy(pass->login, text, len);
	pass->login[len] = '\0';
}

/* "from HELO (NAME [ADDRESS])" and comments, up to "by". */
static bool take_from(const char **at, struct received_pass *pass)
{
	const char *text;
	size_t len;

	/* HELO contains no parenthesis. */
	*at += strcspn(*at, "(");
	if (!str_is_blank((*at)[-1]) || !take_client(at, &pass->client))
		return false;
	while (take_comment(at, &text, &len))
		take_login(text, len, pass);
	pass->by_smtp = true;
	return true;
}

/* "MAIL_NAME, from userid UID". */
static int64_t user_of(const char *text, size_t len)
{
	static const char mark[] = ", from userid ";
	const char *at = memmem(text, len, mark, sizeof(mark) - 1);
	uint64_t uid;

	if (!at || str_digits(at + sizeof(mark) - 1, &uid) != text + len || uid > UINT32_MAX)
		return -1;
	return (int64_t)uid;
}

/* In smtpd an 'A' after ESMTP means a login (RFC 3848). smtpd writes a login only with it, except
 * after HELO. smtpd_hide_client_session hides both client and 'A'. */
static bool take_protocol(const char **at, struct received_pass *pass)
{
	char token[TOKEN_MAX + 1];

	if (!take_until(at, " \t\r\n;", token))
		return false;
	size_t len = strlen(token);
	bool esmtp = str_starts(token, "ESMTP") || str_starts(token, "UTF8SMTP");
	pass->plain = pass->by_smtp && esmtp && token[len - 1] != 'A';
	if (pass->plain)
		pass->login[0] = '\0';
	(void)skip_blanks(at);
	return true;
}

bool received_read(const char *value, const char *host, struct received_pass *ret)
{
	const char *at = value, *text;
	size_t len;
	char by[TOKEN_MAX + 1], id[TOKEN_MAX + 1];

	*ret = (struct received_pass){.uid = -1};
	(void)skip_blanks(&at);
	if (skip_word(&at, "from") && !take_from(&at, ret))
		return false;
	if (!skip_word(&at, "by") || !take_until(&at, " \t\r\n()", by) || !skip_blanks(&at) ||
	    !str_equal_nocase(by, host) || !take_comment(&at, &text, &len))
		return false;
	if (!ret->by_smtp)
		ret->uid = user_of(text, len);
	if (skip_word(&at, "with") ? !take_protocol(&at, ret) : ret->by_smtp)
		return false;
	if (!skip_word(&at, "id")) /* an smtpd before a proxy writes none */
		return ret->by_smtp;
	return take_until(&at, " \t\r\n;", id) && !queue_id_parse(id, strlen(id), &ret->queue_id);
}

bool join_is_local(const struct net_address *client, const struct net_block *own, size_t count)
{
	return client->family == 0 || net_is_loopback(client) ||
	       net_any_contains(own, count, client);
}

static bool equal_ids(const char *a, const char *b)
{
	return *a && strcmp(a, b) == 0;
}

static bool same_message_id(const struct message *a, const struct message *b)
{
	return equal_ids(a->message_id, b->message_id) ||
	       equal_ids(a->message_id, b->queued.message_id) ||
	       equal_ids(a->queued.message_id, b->message_id) ||
	       equal_ids(a->queued.message_id, b->queued.message_id);
}

static bool is_sender(const struct message *m, const char *sender)
{
	return (message_is_given(m) && address_same(m->sender, sender)) ||
	       (m->queued.known && address_same(m->queued.sender, sender));
}

static bool same_sender(const struct message *a, const struct message *b)
{
	return (message_is_given(a) && is_sender(b, a->sender)) ||
	       (a->queued.known && is_sender(b, a->queued.sender));
}

static bool holds(const struct strlist *list, const char *address)
{
	strlist_each (item, list)
		if (address_same(item, address))
			return true;
	return false;
}

static bool has_recipient(const struct message *m, const char *address)
{
	return holds(&m->recipients, address) || holds(&m->queued.recipients, address) ||
	       holds(&m->queued.originals, address);
}

/* Takes the recipients of RCPT TO if a milter saw them, otherwise those of the queue file, where
 * the address before aliases counts, too. A list that was cut proves nothing. */
static bool among_recipients(const struct message *first, const struct message *second)
{
	bool given = message_is_given(second);
	const struct strlist *list = given ? &second->recipients : &second->queued.recipients;
	const char *original = given ? NULL : second->queued.originals.first;
	unsigned cut = given ? MESSAGE_CUT_RECIPIENTS : MESSAGE_CUT_QUEUED_RECIPIENTS;

	if (second->flags & cut || list->count == 0)
		return false;
	strlist_each (recipient, list) {
		if (!has_recipient(first, recipient) &&
		    !(original && *original && has_recipient(first, original)))
			return false;
		if (original)
			original += strlen(original) + 1;
	}
	return true;
}

static bool is_client(const struct message *m, const struct net_address *client)
{
	return net_equal(&m->client, client) || net_equal(&m->queued.client, client) ||
	       net_equal(&m->queued.log_client, client) || net_equal(&m->first.client, client);
}

static bool agrees_with_received(const struct message *first, const struct message *second)
{
	const struct first_pass *told = &second->first;
	const char *login = message_login(first);

	if (told->client.family != 0 && !is_client(first, &told->client))
		return false;
	if (second->flags & MESSAGE_FIRST_PLAIN && login[0])
		return false;
	return !told->login[0] || !login[0] || strcmp(told->login, login) == 0;
}

bool join_judge(const struct message *first, const struct message *second, bool local_client)
{
	return local_client && second->first.queue_id.text[0] &&
	       queue_id_equal(&first->queue_id, &second->first.queue_id) &&
	       !queue_id_equal(&first->queue_id, &second->queue_id) &&
	       same_message_id(first, second) && same_sender(first, second) &&
	       message_arrival(first) <= message_arrival(second) &&
	       among_recipients(first, second) && agrees_with_received(first, second);
}

/* The client that sent m at first: that of its first pass, or of XFORWARD, or its own. */
static const struct net_address *origin_of(const struct message *m)
{
	const struct queued *q = &m->queued;

	if (m->first.client.family != 0)
		return &m->first.client;
	if (q->log_client.family != 0 && !net_equal(&q->log_client, &q->client))
		return &q->log_client;
	return message_client(m, NULL);
}

void join_take(const struct message *first, struct message *second)
{
	second->first.login = message_login(first);
	second->first.client = *origin_of(first);
	if (first->flags & (MESSAGE_JOINED | MESSAGE_UNJOINED) && first->first.queue_id.text[0])
		second->first.queue_id = first->first.queue_id;
	second->flags &= ~(uint32_t)(MESSAGE_JOINED | MESSAGE_UNJOINED | MESSAGE_FIRST_PLAIN);
	second->flags |= first->flags & MESSAGE_UNJOINED ? MESSAGE_UNJOINED : MESSAGE_JOINED;
}

void join_refuse(struct message *second)
{
	second->first = (struct first_pass){.login = ""};
	second->flags &= ~(uint32_t)(MESSAGE_JOINED | MESSAGE_FIRST_PLAIN);
	second->flags |= MESSAGE_UNJOINED;
}
