/* SPDX-License-Identifier: ISC */
#include "purge/tell/wording.h"

#include <pwd.h>

#include "purge/tell/field.h"

static bool is_special(unsigned char c)
{
	return c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\"[]", c) != NULL;
}

/* Postfix's is_822_dot_string, 8-bit clean (global/quote_822_local.c). */
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
	AUTO(strbuf_release) struct strbuf address = {0};

	if (*normal == '\0') {
		snprintf(buf, size, "<>");
		return buf;
	}
	wording_address(normal, &address);
	str_scrub(buf, size, strbuf_text(&address));
	size_t len = strlen(buf);
	if (address.len >= size && len > 3) {
		/* do not cut inside a character */
		for (len -= 3; len && ((unsigned char)buf[len] & 0xc0) == 0x80; len--)
			;
		memcpy(buf + len, "...", 4);
	}
	return buf;
}

int64_t item_arrival(const struct item *item, const struct message *m)
{
	return item->proof.arrival_time > 0 ? item->proof.arrival_time : message_arrival(m);
}

int64_t item_size(const struct item *item, const struct message *m)
{
	if (item->proof.size >= 0)
		return item->proof.size;
	return m->queued.known ? m->queued.size : -1;
}

const char *item_queue(const struct item *item)
{
	return item->proof.queue ? queue_word(item->proof.queue) : "";
}

void wording_put_place(struct json *o, const struct item *item, const struct message *m)
{
	const struct field fields[] = {
	    {"queue_name", NULL, FIELD_TEXT, .text = item->proof.queue ? item_queue(item) : NULL},
	    {"arrival_time", NULL, FIELD_TIME, .n = item_arrival(item, m)},
	    {"message_size", NULL, FIELD_SIZE, .n = item_size(item, m)},
	};

	fields_put(o, fields, COUNT_OF(fields));
}

static void put_address(struct json *o, const char *key, const char *normal)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	wording_address(normal, &text);
	json_put_text(o, key, strbuf_text(&text));
}

void wording_put_sender(struct json *o, const struct message *m)
{
	put_address(o, "sender", message_is_given(m) ? m->sender : m->queued.sender);
	if (message_is_given(m) && m->queued.known && strcmp(m->sender, m->queued.sender) != 0)
		put_address(o, "queued_sender", m->queued.sender);
}

/* The recipients that wait, each to be joined with the RCPT TO that it came from. */
struct waiting {
	const char *address, *original;
	bool told;
};

struct joining {
	const struct message *m;
	struct waiting *list;
	size_t count, at; /* at: where the search continues */
	struct json *array;
};

static struct waiting *make_list(const struct queued *q, size_t *ret_count)
{
	struct waiting *list = calloc(q->recipients.count + 1, sizeof(*list));
	const char *original = q->originals.count ? q->originals.first : NULL;
	size_t n = 0;

	if (!list)
		return NULL;
	strlist_each (address, &q->recipients) {
		list[n++] =
		    (struct waiting){address, original && *original ? original : address, false};
		if (original)
			original += strlen(original) + 1;
	}
	*ret_count = n;
	return list;
}

/* queued: a packed list; NULL: show none. */
static void put_one(struct joining *j, const char *address, const struct strbuf *queued, bool added)
{
	struct json *o = json_new();

	put_address(o, "address", address);
	if (queued) {
		struct strlist list = strlist_of(queued);

		json_put_list(o, "queued_address", &list);
	}
	if (added)
		json_put_bool(o, "added", true);
	json_append(j->array, o);
}

/* One RCPT TO with its waiting recipients. Both lists have the same order, so each search continues
 * where the last one ended. */
static void put_given(struct joining *j, const char *given)
{
	bool cut = j->m->flags & MESSAGE_CUT_QUEUED_RECIPIENTS;
	const char *first = NULL;
	AUTO(strbuf_release) struct strbuf queued = {0}, text = {0};
	size_t found = 0, from = j->at;

	for (size_t seen = 0; seen < j->count; seen++) {
		size_t n = (from + seen) % j->count;
		struct waiting *w = &j->list[n];

		if (w->told || !str_equal_nocase(w->original, given)) {
			if (found)
				break;
			continue;
		}
		w->told = true;
		first = found++ ? first : w->address;
		wording_address(w->address, &text);
		strlist_push(&queued, strbuf_text(&text), text.len);
		j->at = n + 1;
	}
	if ((found == 1 && str_equal_nocase(first, given)) || (found == 0 && cut))
		put_one(j, given, NULL, false);
	else
		put_one(j, given, &queued, false);
}

/* The waiting recipients that are left: under their RCPT TO if the given half is missing or cut. */
static void put_rest(struct joining *j)
{
	bool whole = message_is_given(j->m) && !(j->m->flags & MESSAGE_CUT_RECIPIENTS);

	for (size_t n = 0; n < j->count; n++) {
		struct waiting *w = &j->list[n];

		if (w->told)
			continue;
		if (whole)
			put_one(j, w->address, NULL, true);
		else
			put_given(j, w->original);
	}
}

void wording_put_recipients(struct json *o, const struct message *m)
{
	struct joining j = {.m = m, .array = json_new_array()};
	const struct queued *q = &m->queued;
	uint32_t count = message_is_given(m) ? m->recipient_count : q->recipient_count;

	if (q->known)
		j.list = make_list(q, &j.count);
	strlist_each (given, &m->recipients) {
		if (j.list)
			put_given(&j, given);
		else
			put_one(&j, given, NULL, false);
	}
	put_rest(&j);
	json_put(o, "recipients", j.array);
	if (m->flags & (MESSAGE_CUT_RECIPIENTS | MESSAGE_CUT_QUEUED_RECIPIENTS))
		json_put_int(o, "recipient_count", count);
	free(j.list);
}

static void put_submitter(struct json *o, const struct message *m)
{
	if (!m->queued.known || m->queued.uid < 0)
		return;
	json_put_int(o, "uid", m->queued.uid);
	const struct passwd *pw = getpwuid((uid_t)m->queued.uid);
	if (pw)
		json_put_text(o, "user", pw->pw_name);
}

void wording_put_message(struct json *o, const struct message *m)
{
	const struct strlist *from = message_from(m);
	char client[NET_TEXT_SIZE];

	wording_put_sender(o, m);
	json_put_list(o, "from", from);
	if (m->queued.from.count && !strlist_equal(from, &m->queued.from))
		json_put_list(o, "queued_from", &m->queued.from);
	wording_put_recipients(o, m);
	json_put_words(o, "client", net_text(message_outer_client(m), client));
	json_put_words(o, "login", message_login(m));
	put_submitter(o, m);
	json_put_words(o, "message_id", message_id_of(m));
	json_put_words(o, "subject", m->subject);
	json_put_words(o, "first_queue_id", m->first.queue_id.text);
}
