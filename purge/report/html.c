/* SPDX-License-Identifier: ISC */
#include "purge/report/html.h"

#include <stdarg.h>

#include "base/clock.h"

void html_put(struct strbuf *h, const char *literal)
{
	strbuf_puts(h, literal);
}

static const char *reference_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(struct strbuf *h, const char *text)
{
	size_t size = strlen(text) + 1;
	char *clean = malloc(size);

	if (!clean) {
		h->failed = true;
		return;
	}
	for (const char *c = str_scrub(clean, size, text); *c; c++) {
		const char *reference = reference_of(*c);

		if (reference)
			strbuf_puts(h, reference);
		else
			strbuf_putc(h, *c);
	}
	free(clean);
}

void html_format(struct strbuf *h, const char *format, ...)
{
	char *text = NULL;
	va_list values;

	va_start(values, format);
	if (vasprintf(&text, format, values) < 0) {
		text = NULL;
		h->failed = true;
	}
	va_end(values);
	if (text)
		html_text(h, text);
	free(text);
}

void html_element(struct strbuf *h, const char *tag, const char *class, const char *text)
{
	strbuf_printf(h, "<%s", tag);
	if (class)
		strbuf_printf(h, " class=\"%s\"", class);
	html_put(h, ">");
	html_text(h, text);
	strbuf_printf(h, "</%s>", tag);
}

void html_number(struct strbuf *h, uint64_t n)
{
	html_put(h, "<td class=\"n\">");
	if (n)
		strbuf_printf(h, "%" PRIu64, n);
	html_put(h, "</td>");
}

static size_t put_time(const struct tm *at, enum html_time_form form, char *buf, size_t size)
{
	switch (form) {
	case TIME_MACHINE:
		return strftime(buf, size, "%Y-%m-%dT%H:%M:%S%z", at);
	case TIME_MINUTE:
		return strftime(buf, size, "%Y-%m-%d %H:%M %Z", at);
	case TIME_CLOCK:
		return strftime(buf, size, "%H:%M", at);
	case TIME_DAY:
		return strftime(buf, size, "%Y-%m-%d %Z", at);
	default:
		return strftime(buf, size, "%Y-%m-%d %H:%M:%S %Z", at);
	}
}

char *html_time_text(int64_t wall, enum html_time_form form, char *buf, size_t size)
{
	time_t seconds = (time_t)(wall / USEC_PER_SEC);
	struct tm at;

	if (!localtime_r(&seconds, &at) || put_time(&at, form, buf, size) == 0)
		snprintf(buf, size, "?");
	return buf;
}

void html_time(struct strbuf *h, int64_t wall)
{
	char text[HTML_TIME_SIZE];

	if (wall <= 0)
		return;
	html_put(h, "<time datetime=\"");
	html_text(h, html_time_text(wall, TIME_MACHINE, text, sizeof(text)));
	html_put(h, "\">");
	html_text(h, html_time_text(wall, TIME_WHOLE, text, sizeof(text)));
	html_put(h, "</time>");
}
