/* SPDX-License-Identifier: ISC */
/* The screen's lines, from its model. */
#pragma once

#include "purge/screen/model.h"

enum page_style {
	STYLE_PLAIN,
	STYLE_HEAD,   /* the columns' heads, and the keys */
	STYLE_CURSOR, /* the chosen line */
	STYLE_NOTE,   /* important */
	STYLE_MANY,   /* a share over 20 % */
	STYLE_MOST,   /* a share over 50 % */
};

/* No line is wider than the terminal. */
struct page_line {
	struct strbuf text; /* scrubbed */
	enum page_style style;
	/* a span of the text, in bytes, in another style; mark_len 0: none */
	size_t mark, mark_len;
	enum page_style mark_style;
};

struct page {
	struct page_line *lines;
	size_t count; /* the model's rows */
	long cursor;  /* column of the text cursor in the second line, or -1 */
};

/* now: wall. 0 or -ENOMEM; release ret in any case. */
int page_make(const struct screen_model *m, int64_t now, struct page *ret) NODISCARD;
void page_release(struct page *p);
