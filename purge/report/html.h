/* SPDX-License-Identifier: ISC */
/* HTML in memory. html_put is for literals. Text from outside must go through html_text or
 * html_format, also in attributes and in SVG: they scrub it (str_scrub) and write & < > " ' as
 * references. */
#pragma once

#include "base/str.h"

void html_put(struct strbuf *h, const char *literal);
void html_text(struct strbuf *h, const char *text);
void html_format(struct strbuf *h, const char *format, ...) FORMAT(2, 3);
/* class NULL: none. tag and class are literals. */
void html_element(struct strbuf *h, const char *tag, const char *class, const char *text);
void html_number(struct strbuf *h, uint64_t n); /* a table cell, empty for 0 */
/* <time> with local time and zone, "2026-11-23 17:40:17 CET". Nothing for 0. */
void html_time(struct strbuf *h, int64_t wall);

/* Local time. Returns buf. */
#define HTML_TIME_SIZE 96
enum html_time_form {
	TIME_WHOLE,   /* "2026-11-23 17:40:17 CET" */
	TIME_MACHINE, /* "2026-11-23T17:40:17+0100" */
	TIME_MINUTE,  /* "2026-11-23 17:40 CET" */
	TIME_CLOCK,   /* "17:40" */
	TIME_DAY,     /* "2026-11-23 CET" */
};
char *html_time_text(int64_t wall, enum html_time_form form, char *buf, size_t size);
