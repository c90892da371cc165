/* SPDX-License-Identifier: ISC */
#include "mail/header.h"

#include "mail/address/address_parts.h"

void header_clear(struct header *h)
{
	from_clear(&h->from);
	h->message_id[0] = '\0';
	h->cut_text = false;
}

void header_release(struct header *h)
{
	from_release(&h->from);
	header_clear(h);
}

static const char *skip_comments(const char *at, const char *end)
{
	while (at < end) {
		const char *behind = *at == '(' ? comment_end(at + 1, end) : NULL;

		if (behind)
			at = behind;
		else if (str_is_blank(*at))
			at++;
		else
			break;
	}
	return at;
}

/* The end of the ID at `at`: after its '>', or after its first word. */
static const char *id_end(const char *at, const char *end)
{
	const char *close = *at == '<' ? memchr(at, '>', (size_t)(end - at)) : NULL;

	if (close)
		return close + 1;
	while (at < end && *at && !str_is_blank(*at))
		at++;
	return at;
}

static void take_message_id(struct header *h, const char *value, size_t len)
{
	const char *end = value + strnlen(value, len);
	const char *begin = skip_comments(value, end), *at;
	size_t n = 0;

	if (h->message_id[0] || begin == end)
		return;
	/* Mail readers skip words before the brackets. */
	at = memchr(begin, '<', (size_t)(end - begin));
	if (!at || !memchr(at, '>', (size_t)(end - at)))
		at = begin;
	for (end = id_end(at, end); at < end; at++) {
		if (str_is_blank(*at))
			continue;
		if (n == MESSAGE_TEXT_MAX) {
			h->cut_text = true;
			break;
		}
		h->message_id[n++] = *at;
	}
	h->message_id[n] = '\0';
}

void header_take(struct header *h, const char *name, const char *value, size_t len)
{
	if (str_equal_nocase(name, "From"))
		from_scan(&h->from, value, len);
	else if (str_equal_nocase(name, "Message-ID"))
		take_message_id(h, value, len);
}
