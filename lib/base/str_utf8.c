/* SPDX-License-Identifier: ISC */
/* UTF-8: what is a character, and what of it may reach a log or a terminal. */
#include "base/str.h"

static uint32_t continuation_bits(const unsigned char *at, size_t count)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < count; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return UINT32_MAX;
		bits = bits << 6 | (at[i] & 0x3f);
	}
	return bits;
}

/* RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
size_t str_utf8(const char *text, size_t len, uint32_t *ret_point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const unsigned char *at = (const unsigned char *)text;

	for (size_t more = 0; more < COUNT_OF(forms) && more < len; more++) {
		uint32_t bits, point;

		if ((at[0] & forms[more].mask) != forms[more].lead)
			continue;
		bits = continuation_bits(at + 1, more);
		if (bits == UINT32_MAX)
			return 0;
		point = (uint32_t)(at[0] & (unsigned char)~forms[more].mask) << (6 * more) | bits;
		if (point < forms[more].least || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return 0;
		*ret_point = point;
		return more + 1;
	}
	return 0;
}

/*
 * Beside the control characters: what ends a line, turns the direction of writing, or takes no room
 * (Unicode's format characters), so that two texts look alike which are not.
 */
bool str_is_unsafe(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x61c, 0x61c}, {0x180e, 0x180e},
	    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},
	    {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

	for (size_t n = 0; n < COUNT_OF(ranges); n++)
		if (point >= ranges[n].first && point <= ranges[n].last)
			return true;
	return false;
}

char *str_scrub(char *buf, size_t size, const char *text)
{
	size_t len = strlen(text), used = 0;

	if (size == 0)
		return buf;
	while (len > 0) {
		uint32_t point = 0;
		size_t step = str_utf8(text, len, &point);
		bool shown = step > 0 && !str_is_unsafe(point);
		size_t need = shown ? step : 1;

		if (need > size - 1 - used)
			break;
		if (shown)
			memmove(buf + used, text, step);
		else
			buf[used] = '?';
		used += need;
		step = step ? step : 1;
		text += step;
		len -= step;
	}
	buf[used] = '\0';
	return buf;
}
