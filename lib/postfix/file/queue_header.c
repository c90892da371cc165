/* SPDX-License-Identifier: ISC */
#include "postfix/file/queue_message.h"

#include "mail/queue_id.h"

void queue_header_clear(struct queue_header *h, const struct queue_host *host)
{
	header_clear(&h->recorded);
	strbuf_clear(&h->report);
	strbuf_clear(&h->field);
	queue_route_clear(&h->route);
	h->auto_replied = h->delivered_to = h->cut = h->ended = false;
	h->fields = 0;
	h->host = host;
}

void queue_header_release(struct queue_header *h)
{
	header_release(&h->recorded);
	strbuf_release(&h->report);
	strbuf_release(&h->field);
	*h = (struct queue_header){0};
}

static void take_value(struct queue_header *h, const char *name, const char *value, size_t len)
{
	static const char report[] = "multipart/report; report-type=delivery-status;";

	header_take(&h->recorded, name, value, len);
	if (str_equal_nocase(name, "received"))
		queue_route_take(&h->route, value, h->fields == 1, h->host);
	else if (h->asked && str_equal_nocase(name, "subject"))
		selector_subject_take(h->asked, value, len, h->cut);
	else if (str_equal_nocase(name, "auto-submitted"))
		h->auto_replied |= strcmp(value, "auto-replied") == 0;
	else if (str_equal_nocase(name, "delivered-to"))
		h->delivered_to = true;
	else if (str_equal_nocase(name, "content-type") && str_starts(value, report) &&
		 h->report.len == 0)
		strbuf_add(&h->report, value, len);
}

static void take_field(struct queue_header *h)
{
	char *text = h->field.text;
	size_t len = h->field.len, name, at;
	const char *colon = len ? memchr(text, ':', len) : NULL;

	if (!colon)
		return;
	h->fields++;
	at = (size_t)(colon - text) + 1;
	for (name = at - 1; name > 0 && str_is_blank(text[name - 1]); name--)
		;
	text[name] = '\0';
	while (at < len && str_is_blank(text[at]))
		at++;
	while (len > at && str_is_blank(text[len - 1]))
		text[--len] = '\0';
	take_value(h, text, text + at, len - at);
}

/* Follows global/is_header.c: a printable name, perhaps blanks, a colon. */
static bool begins_field(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && text[at] > ' ' && text[at] < 0x7f && text[at] != ':')
		at++;
	if (at == 0)
		return false;
	while (at < len && (text[at] == ' ' || text[at] == '\t'))
		at++;
	return at < len && text[at] == ':';
}

static void add_to_field(struct queue_header *h, const char *text, size_t len)
{
	size_t room = h->field.len < QUEUE_FIELD_MAX ? QUEUE_FIELD_MAX - h->field.len : 0;

	h->cut |= len > room;
	strbuf_add(&h->field, text, len < room ? len : room);
	h->cut |= h->field.failed;
}

void queue_header_line(struct queue_header *h, const char *text, size_t len, bool starts)
{
	if (h->ended)
		return;
	if (!starts) {
		add_to_field(h, text, len);
	} else if (len > 0 && str_is_blank(text[0]) && h->field.len > 0) {
		add_to_field(h, "\n", 1);
		add_to_field(h, text, len);
	} else if (begins_field(text, len)) {
		take_field(h);
		strbuf_clear(&h->field);
		add_to_field(h, text, len);
	} else {
		queue_header_end(h);
	}
}

void queue_header_end(struct queue_header *h)
{
	if (!h->ended)
		take_field(h);
	h->ended = true;
}

bool queue_header_reported_by(const struct queue_header *h, const char *host)
{
	static const char mark[] = "boundary=\"";
	const char *at = strstr(strbuf_text(&h->report), mark), *dot;
	struct queue_id id;

	if (!at)
		return false;
	at += strlen(mark);
	dot = strchr(at, '.');
	if (!dot || queue_id_parse(at, (size_t)(dot - at), &id) < 0)
		return false;
	at = dot + 1 + strspn(dot + 1, "0123456789");
	return at > dot + 1 && *at == '/' && strncmp(at + 1, host, strlen(host)) == 0 &&
	       strcmp(at + 1 + strlen(host), "\"") == 0;
}
