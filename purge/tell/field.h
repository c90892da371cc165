/* SPDX-License-Identifier: ISC */
/*
 * Facts that are told as text and as JSON. One table of fields makes both forms.
 *
 * A fact that is not known is left out: no text, a number below 0, a time of 0 or less.
 */
#ifndef PQPURGE_PURGE_FIELD_H
#define PQPURGE_PURGE_FIELD_H

#include "base/json.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_NUMBER,
	FIELD_COUNT, /* a number that text leaves out where it is 0 */
	FIELD_TIME,  /* wall microseconds; JSON: seconds since the epoch */
	FIELD_SIZE,  /* bytes; for people 1.2 MB */
	FIELD_BOOL,  /* in JSON alone */
};

struct field {
	const char *key;   /* of the JSON member; NULL: not in JSON */
	const char *label; /* of the line, or the column's head; NULL: not in text */
	enum field_kind kind;
	int64_t n;
	const char *text;
	bool null; /* JSON has null where it is not known */
	bool cut;  /* as a column: may be cut to fit */
};

#define FIELD_TEXT_SIZE 32

/* The value in words, "" where it is not known: f's text, or buf. Text is not scrubbed yet. */
const char *field_words(const struct field *f, char buf[FIELD_TEXT_SIZE]);
void fields_put(struct json *o, const struct field *fields, size_t count);
/* A line for each that is known: "label   value". */
void fields_say(FILE *to, const struct field *fields, size_t count);

#endif
