/* SPDX-License-Identifier: ISC */
#include "mail/address/domain_text.h"

#include "base/str.h"

/* RFC 5892 A.1, A.2. */
static bool is_joiner(uint32_t point)
{
	return point == 0x200c || point == 0x200d;
}

static bool is_blank(uint32_t point)
{
	return point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
	       point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f ||
	       point == 0x3000;
}

bool domain_is_blank(const char *text, size_t len)
{
	uint32_t point;

	return (unsigned char)*text >= 0x80 && str_utf8(text, len, &point) > 0 && is_blank(point);
}

/* For code points beyond ASCII. */
static bool is_invisible(uint32_t point)
{
	return is_blank(point) || str_is_unsafe(point) || point == 0x2800 ||
	       (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0xe0100 && point <= 0xe01ef) ||
	       (point >= 0x13430 && point <= 0x1343f);
}

static size_t last_character(const char *text, size_t len, uint32_t *ret_point)
{
	for (size_t n = 1; n <= 4 && n <= len; n++)
		if (((unsigned char)text[len - n] & 0xc0) != 0x80)
			return str_utf8(text + len - n, n, ret_point) == n ? n : 0;
	return 0;
}

static bool is_unfinished(const char *text, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++) {
		unsigned char c = (unsigned char)text[len - n];

		if ((c & 0xc0) != 0x80)
			return n < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : c >= 0xc0 ? 2u : 1u);
	}
	return false;
}

/* A joiner counts only after a non-ASCII character, and only once. */
static bool joins(const char *text, size_t len)
{
	uint32_t before;

	return len > 0 && (unsigned char)text[len - 1] >= 0x80 &&
	       !(last_character(text, len, &before) > 0 && is_joiner(before));
}

/* Counts the invisible bytes at the end. */
static size_t unseen(const struct domain_text *t)
{
	const char *text = t->at;
	/* The first bytes of all invisible characters; most letters begin otherwise. */
	static const char leads[] = "\xc2\xcd\xd8\xe1\xe2\xe3\xef\xf0\xf3";
	size_t len = t->len, n;
	unsigned char c = (unsigned char)text[len - 1];
	uint32_t point;

	if (c < 0x80)
		return c != '\0' && c != '\t' && c != '\n' && c != '\r' && (c < ' ' || c == 0x7f);
	/* Latin-1's no-break space and soft hyphen. */
	if ((c == 0xa0 || c == 0xad) && !is_unfinished(text, len - 1))
		return 1;
	n = last_character(text, len, &point);
	if (n == 0 || !strchr(leads, text[len - n]) || !is_invisible(point))
		return 0;
	return !t->no_joiners && is_joiner(point) && joins(text, len - n) ? 0 : n;
}

void domain_text_add(struct domain_text *t, char c)
{
	if (t->len == sizeof(t->at)) {
		t->len = sizeof(t->at) / 2;
		memmove(t->at, t->at + t->len, t->len);
		t->cut = true;
	}
	t->at[t->len++] = c;
	if ((unsigned char)c < ' ' || (unsigned char)c >= 0x7f)
		t->len -= unseen(t);
}

size_t domain_undotted(const char *bytes, size_t len)
{
	while (len > 1 && bytes[len - 1] == '.')
		len--;
	return len;
}

void domain_text_clear(struct domain_text *t)
{
	t->len = 0;
	t->cut = t->no_joiners = false;
}

void domain_text_finish(struct domain_text *t)
{
	unsigned char bits = 0;

	t->len = domain_undotted(t->at, t->len);
	if (t->len > DOMAIN_INPUT_MAX) {
		memmove(t->at, t->at + t->len - DOMAIN_INPUT_MAX, DOMAIN_INPUT_MAX);
		t->len = DOMAIN_INPUT_MAX;
		t->cut = true;
	}
	if (t->cut && t->len == 1 && t->at[0] == '.')
		t->len = 0;
	for (size_t i = 0; i < t->len; i++) {
		bits |= (unsigned char)t->at[i];
		t->at[i] = t->at[i] ? str_lower(t->at[i]) : '?';
	}
	t->at[t->len] = '\0';
	t->ascii = bits < 0x80;
}

/* Adds all bytes again, because without the joiner its neighbours may form one character. */
bool domain_text_drop_joiners(struct domain_text *t)
{
	char before[DOMAIN_INPUT_MAX + 2];
	size_t len = t->len;

	if (t->ascii ||
	    (!memmem(t->at, len, "\xe2\x80\x8c", 3) && !memmem(t->at, len, "\xe2\x80\x8d", 3)))
		return false;
	memcpy(before, t->at, len);
	t->len = 0;
	t->no_joiners = true;
	for (size_t i = 0; i < len; i++)
		domain_text_add(t, before[i]);
	domain_text_finish(t);
	return true;
}
