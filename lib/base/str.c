/* SPDX-License-Identifier: ISC */
#include <stdarg.h>

#include "base/array.h"
#include "base/err.h"
#include "base/str.h"

static bool make_room(struct strbuf *s, size_t more)
{
	bool possible = !s->failed && more < SIZE_MAX / 2 - s->len;
	void *text = possible ? array_room(s->text, s->len + more + 1, &s->cap, 1) : NULL;

	s->failed = !text;
	if (text)
		s->text = text;
	return text;
}

void strbuf_add(struct strbuf *s, const char *text, size_t len)
{
	if (!make_room(s, len))
		return;
	if (len > 0)
		memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

void strbuf_puts(struct strbuf *s, const char *text)
{
	strbuf_add(s, text, strlen(text));
}

void strbuf_putc(struct strbuf *s, char c)
{
	strbuf_add(s, &c, 1);
}

void strbuf_printf(struct strbuf *s, const char *format, ...)
{
	va_list values, again;

	va_start(values, format);
	va_copy(again, values);
	int len = vsnprintf(NULL, 0, format, values);
	if (len < 0) {
		s->failed = true;
	} else if (make_room(s, (size_t)len)) {
		vsnprintf(s->text + s->len, (size_t)len + 1, format, again);
		s->len += (size_t)len;
	}
	va_end(again);
	va_end(values);
}

void strbuf_clear(struct strbuf *s)
{
	s->len = 0;
	s->failed = false;
	if (s->text)
		s->text[0] = '\0';
}

void strbuf_release(struct strbuf *s)
{
	free(s->text);
	*s = (struct strbuf){0};
}

const char *strbuf_text(const struct strbuf *s)
{
	return s->text ? s->text : "";
}

void strlist_push(struct strbuf *packed, const char *text, size_t len)
{
	size_t used = len ? strnlen(text, len) : 0;

	/* Both or nothing: a text without its NUL would run into the next one. */
	if (!make_room(packed, used + 1))
		return;
	strbuf_add(packed, text, used);
	strbuf_add(packed, "", 1);
}

static size_t count_nuls(const char *at, size_t len)
{
	const char *end = at + len;
	size_t count = 0;

	while (at < end) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			break;
		count++;
		at = nul + 1;
	}
	return count;
}

struct strlist strlist_of(const struct strbuf *packed)
{
	const char *text = strbuf_text(packed);

	return (struct strlist){text, packed->len, (uint32_t)count_nuls(text, packed->len)};
}

int strlist_view(const char *bytes, size_t len, uint32_t count, struct strlist *ret)
{
	if (len == 0 && count == 0) {
		*ret = (struct strlist){0};
		return 0;
	}
	if (len == 0 || bytes[len - 1] != '\0' || count_nuls(bytes, len) != count)
		return ERR_SYNTAX;
	*ret = (struct strlist){bytes, len, count};
	return 0;
}

bool strlist_equal(const struct strlist *a, const struct strlist *b)
{
	return a->bytes == b->bytes && (a->bytes == 0 || memcmp(a->first, b->first, a->bytes) == 0);
}

bool str_is_utf8(const char *text)
{
	size_t len = strlen(text), step;
	uint32_t point;

	for (; len > 0; text += step, len -= step) {
		step = str_utf8(text, len, &point);
		if (step == 0)
			return false;
	}
	return true;
}

bool str_has_control(const char *text)
{
	while ((unsigned char)*text >= ' ' && *text != 0x7f)
		text++;
	return *text != '\0';
}

char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void str_lower_all(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = str_lower(text[i]);
}

const char *str_part(const char **text, const char *between, size_t *ret_len)
{
	const char *part = *text + strspn(*text, between);

	*ret_len = strcspn(part, between);
	*text = part + *ret_len;
	return *ret_len ? part : NULL;
}

bool str_has_word(const char *words, const char *word)
{
	size_t len;

	for (const char *part; (part = str_part(&words, " ,\t", &len));)
		if (len == strlen(word) && strncmp(part, word, len) == 0)
			return true;
	return false;
}

bool str_equal_nocase(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (str_lower(*a) != str_lower(*b))
			return false;
	return *a == *b;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_starts_nocase(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++)
		if (str_lower(*text) != str_lower(*prefix))
			return false;
	return true;
}

bool str_has_nocase(const char *text, const char *part)
{
	size_t len = strlen(text), part_len = strlen(part);

	for (size_t i = 0; i + part_len <= len; i++)
		if (str_starts_nocase(text + i, part))
			return true;
	return false;
}

const char *str_digits(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return NULL;
		value = value * 10 + digit;
	}
	if (at == text)
		return NULL;
	*ret = value;
	return at;
}

size_t str_status_len(const char *text)
{
	static const size_t most[] = {1, 3, 3}; /* digits of each part */
	const char *at = text;

	for (size_t part = 0; part < COUNT_OF(most); part++) {
		if (part > 0 && *at++ != '.')
			return 0;
		size_t digits = strspn(at, "0123456789");
		if (digits == 0 || digits > most[part])
			return 0;
		at += digits;
	}
	return (size_t)(at - text);
}

int str_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	const char *end = str_digits(text, &value);

	if (!end || *end || value < min || value > max)
		return ERR_SYNTAX;
	*ret = value;
	return 0;
}

int str_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "kmgt";
	uint64_t value;
	const char *unit, *end = str_digits(text, &value);
	unsigned shift = 0;

	if (!end)
		return ERR_SYNTAX;
	if (*end) {
		unit = strchr(units, str_lower(*end));
		if (!unit || end[1])
			return ERR_SYNTAX;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (value > UINT64_MAX >> shift)
		return ERR_SYNTAX;
	*ret_bytes = value << shift;
	return 0;
}

char *str_size_text(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	size_t unit = 0;
	double shown = (double)bytes / 1024;

	while (shown >= 1023.95 && unit < COUNT_OF(units) - 1) { /* 1023.96 kB is 1.0 MB */
		shown /= 1024;
		unit++;
	}
	if (bytes < 1024)
		snprintf(buf, size, "%u B", (unsigned)bytes);
	else
		snprintf(buf, size, "%.1f %s", shown, units[unit]);
	return buf;
}

/* The edit distance; SIZE_MAX if b is longer than 64 bytes. */
static size_t distance_of(const char *a, const char *b)
{
	size_t row[65], len = strlen(b);

	if (len >= COUNT_OF(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = change < gap ? change : gap;
		}
	}
	return row[len];
}

void spell_consider(struct spell *s, const char *word, const char *candidate)
{
	size_t reach = (strlen(word) + 2) / 3;
	size_t distance = distance_of(word, candidate);

	if (distance > (reach > 3 ? 3 : reach) || (s->best && distance >= s->distance))
		return;
	s->best = candidate;
	s->distance = distance;
}

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

/* Follows RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
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

bool str_is_unsafe(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c},
	    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},
	    {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfeff, 0xfeff},
	    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	    {0xe0000, 0xe00ff}, {0xe01f0, 0xe0fff}};

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
