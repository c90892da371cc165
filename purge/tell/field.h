/* SPDX-License-Identifier: ISC */
/* A table of fields, told as text and as JSON. Unknown facts are left out: no text, a number below
 * 0, a time of 0 or less. */
#pragma once

#include "base/json.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_NUMBER,
	FIELD_COUNT, /* text leaves out 0 */
	FIELD_TIME,  /* wall microseconds; JSON: seconds */
	FIELD_SIZE,  /* bytes; text: 1.2 MB */
	FIELD_BOOL,  /* only in JSON */
};

struct field {
	const char *key;   /* NULL: not in JSON */
	const char *label; /* NULL: not in text */
	enum field_kind kind;
	bool null; /* JSON null if unknown */
	bool cut;  /* a column that may be cut */
	int64_t n;
	const char *text;
};

#define FIELD_TEXT_SIZE 32

/* Not scrubbed; "" if unknown. Returns f's text or buf. */
const char *field_words(const struct field *f, char buf[FIELD_TEXT_SIZE]);
void fields_put(struct json *o, const struct field *fields, size_t count);
/* Prints a line "label   value" for each known field. */
void fields_say(FILE *to, const struct field *fields, size_t count);

/* Prints a JSON object (it may be unfinished) as text, a line for each member. An array has a line
 * for each element; in it, an object is its first value, then the others. Keys that end in _time or
 * _size are shown as such. False is left out. */
void sheet_say(FILE *to, const struct json *o);
