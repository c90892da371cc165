/* SPDX-License-Identifier: ISC */
/* Messages in words: addresses, counts, recorded fields. */
#include "purge/tell/wording.h"

static bool is_special(unsigned char c)
{
	return c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\"[]", c) != NULL;
}

/* As is_822_dot_string, 8-bit clean: dots neither at an end nor side by side, no specials. */
static bool is_dot_string(const char *local, size_t len)
{
	if (len == 0 || local[0] == '.' || local[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (is_special((unsigned char)local[i]) || (local[i] == '.' && local[i + 1] == '.'))
			return false;
	return true;
}

static void put_quoted(struct strbuf *ret, const char *local, size_t len)
{
	strbuf_putc(ret, '"');
	for (size_t i = 0; i < len; i++) {
		if (local[i] == '"' || local[i] == '\\' || local[i] == '\r')
			strbuf_putc(ret, '\\');
		strbuf_putc(ret, local[i]);
	}
	strbuf_putc(ret, '"');
}

void wording_address(const char *normal, struct strbuf *ret)
{
	const char *at = strrchr(normal, '@');
	size_t len = at ? (size_t)(at - normal) : strlen(normal);

	strbuf_clear(ret);
	if (*normal == '\0') {
		strbuf_puts(ret, "MAILER-DAEMON");
		return;
	}
	if (is_dot_string(normal, len))
		strbuf_add(ret, normal, len);
	else
		put_quoted(ret, normal, len);
	strbuf_puts(ret, normal + len);
}

char *wording_address_text(const char *normal, char *buf, size_t size)
{
	struct strbuf address = {0};
	size_t len;

	if (*normal == '\0') {
		snprintf(buf, size, "<>");
		return buf;
	}
	wording_address(normal, &address);
	str_scrub(buf, size, strbuf_text(&address));
	len = strlen(buf);
	if (address.len >= size && len > 3) {
		/* Never inside a character. */
		for (len -= 3; len && ((unsigned char)buf[len] & 0xc0) == 0x80; len--)
			;
		memcpy(buf + len, "...", 4);
	}
	strbuf_release(&address);
	return buf;
}

const char *wording_messages(uint64_t n)
{
	return n == 1 ? "message" : "messages";
}

const char *wording_verb(enum action action)
{
	switch (action) {
	case ACTION_DELETE:
		return "delete";
	case ACTION_HOLD:
		return "hold";
	case ACTION_RELEASE:
		return "release";
	case ACTION_LIST:
		break;
	}
	return "list";
}

const char *wording_doing(enum action action)
{
	switch (action) {
	case ACTION_DELETE:
		return "deleting";
	case ACTION_HOLD:
		return "holding";
	case ACTION_RELEASE:
		return "releasing";
	case ACTION_LIST:
		break;
	}
	return "proving";
}

static void fold(FILE *to, int indent, bool begun, const char *text)
{
	size_t room = (size_t)(WORDING_WIDTH - indent);

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strlen(text);

		if (len > room) {
			for (len = room; len && text[len] != ' '; len--)
				;
			for (len = len ? len : room; ((unsigned char)text[len] & 0xc0) == 0x80;
			     len--)
				;
		}
		fprintf(to, "%*s%.*s\n", begun ? 0 : indent, "", (int)len, text);
		begun = false;
		text += len;
	}
}

void wording_fold(FILE *to, int indent, const char *text)
{
	fold(to, indent, false, text);
}

void wording_fold_from(FILE *to, int indent, const char *text)
{
	fold(to, indent, true, text);
}

static void put_text(struct json *o, const char *key, const char *text)
{
	if (*text)
		json_put_text(o, key, text);
}

static void put_recipients(struct json *o, const struct message *m)
{
	struct strbuf one = {0}, packed = {0};
	struct strlist list;

	strlist_each (item, &m->recipients) {
		wording_address(item, &one);
		strlist_push(&packed, strbuf_text(&one), one.len);
	}
	list = strlist_of(&packed);
	json_put_objects(o, "recipients", "address", &list);
	if (m->flags & MESSAGE_CUT_RECIPIENTS)
		json_put_int(o, "recipient_count", m->recipient_count);
	strbuf_release(&one);
	strbuf_release(&packed);
}

void wording_put_message(struct json *o, const struct message *m)
{
	struct strbuf sender = {0};
	char client[NET_TEXT_SIZE];

	wording_address(m->sender, &sender);
	json_put_text(o, "sender", strbuf_text(&sender));
	strbuf_release(&sender);
	json_put_list(o, "from", &m->from);
	put_recipients(o, m);
	put_text(o, "client", net_text(&m->client, client));
	put_text(o, "login", m->login);
	put_text(o, "message_id", m->message_id);
	put_text(o, "subject", m->subject);
}
