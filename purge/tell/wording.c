/* SPDX-License-Identifier: ISC */
/* Messages in words: addresses, counts, recorded fields. */
#include "purge/tell/wording.h"

#include <pwd.h>

#include "purge/tell/recipients.h"

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

const struct net_address *wording_client(const struct message *m)
{
	return m->first.client.family ? &m->first.client : message_client(m, NULL);
}

const struct strlist *wording_recipients(const struct message *m, uint32_t *ret_count)
{
	*ret_count = m->queued.known ? m->queued.recipient_count : m->recipient_count;
	return m->queued.known ? &m->queued.recipients : &m->recipients;
}

/* ---- JSON */

static void put_text(struct json *o, const char *key, const char *text)
{
	if (*text)
		json_put_text(o, key, text);
}

static void put_address(struct json *o, const char *key, const char *normal)
{
	struct strbuf text = {0};

	wording_address(normal, &text);
	json_put_text(o, key, strbuf_text(&text));
	strbuf_release(&text);
}

void wording_put_sender(struct json *o, const struct message *m)
{
	put_address(o, "sender", message_is_given(m) ? m->sender : m->queued.sender);
	if (message_is_given(m) && m->queued.known && strcmp(m->sender, m->queued.sender) != 0)
		put_address(o, "queued_sender", m->queued.sender);
}

static void put_list(struct json *o, const char *key, const struct strlist *list)
{
	if (list->count)
		json_put_list(o, key, list);
}

static bool same_list(const struct strlist *a, const struct strlist *b)
{
	return a->count == b->count && a->bytes == b->bytes &&
	       (a->bytes == 0 || memcmp(a->first, b->first, a->bytes) == 0);
}

static void put_submitter(struct json *o, const struct message *m)
{
	const struct passwd *pw;

	if (!m->queued.known || m->queued.uid < 0)
		return;
	json_put_int(o, "uid", m->queued.uid);
	pw = getpwuid((uid_t)m->queued.uid);
	if (pw)
		json_put_text(o, "user", pw->pw_name);
}

void wording_put_message(struct json *o, const struct message *m)
{
	const struct strlist *from = message_from(m);
	char client[NET_TEXT_SIZE];

	wording_put_sender(o, m);
	json_put_list(o, "from", from);
	if (m->queued.known && !same_list(from, &m->queued.from))
		put_list(o, "queued_from", &m->queued.from);
	recipients_put(o, m);
	put_text(o, "client", net_text(wording_client(m), client));
	put_text(o, "login", message_login(m));
	put_submitter(o, m);
	put_text(o, "message_id", message_id_of(m));
	put_text(o, "subject", m->subject);
	put_text(o, "first_queue_id", m->first.queue_id.text);
}
