/* SPDX-License-Identifier: ISC */
#include "purge/screen/cells.h"

#include <wchar.h>

/* Returns the bytes of the next character of scrubbed text. *ret_width: 0 for a combining
 * character, -1 for one that cannot be shown. */
static size_t next(const char *text, bool utf8, int *ret_width)
{
	uint32_t point;
	size_t len = str_utf8(text, strlen(text), &point);
	int width;

	if (len == 0 || (len > 1 && !utf8)) {
		*ret_width = -1;
		return len ? len : 1;
	}
	width = len > 1 ? wcwidth((wchar_t)point) : 1;
	*ret_width = width;
	return len;
}

size_t cells_width(const char *text, bool utf8)
{
	size_t sum = 0;
	int width;

	for (; *text; sum += width < 0 ? 1 : (size_t)width)
		text += next(text, utf8, &width);
	return sum;
}

static void put_blanks(struct strbuf *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strbuf_putc(to, ' ');
}

static size_t put_fitting(struct strbuf *to, const char *text, size_t width, bool utf8)
{
	size_t sum = 0;
	int columns;

	while (*text) {
		size_t len = next(text, utf8, &columns);

		if (sum + (columns < 0 ? 1 : (size_t)columns) > width)
			break;
		if (columns < 0)
			strbuf_putc(to, '?');
		else
			strbuf_add(to, text, len);
		sum += columns < 0 ? 1 : (size_t)columns;
		text += len;
	}
	return sum;
}

size_t cells_put(struct strbuf *to, const char *text, size_t width, bool right, bool utf8)
{
	size_t size = strlen(text) + 1, used;
	char *clean = malloc(size);

	if (!clean) {
		to->failed = true;
		return 0;
	}
	str_scrub(clean, size, text);
	used = cells_width(clean, utf8);
	if (right && width != CELLS_FREE && used < width) {
		put_blanks(to, width - used);
		used += width - used;
		(void)put_fitting(to, clean, width, utf8);
	} else if (used <= width) {
		(void)put_fitting(to, clean, width, utf8);
	} else {
		used = width ? put_fitting(to, clean, width - 1, utf8) : 0;
		if (width) {
			strbuf_putc(to, '~');
			used++;
		}
	}
	free(clean);
	if (width != CELLS_FREE && used < width)
		put_blanks(to, width - used);
	return width == CELLS_FREE || used > width ? used : width;
}
