/* SPDX-License-Identifier: ISC */
#include "purge/tell/field.h"

#include "base/clock.h"
#include "purge/tell/say.h"

static bool is_known(const struct field *f)
{
	if (f->kind == FIELD_TEXT)
		return f->text != NULL;
	return f->kind == FIELD_TIME ? f->n > 0 : f->n >= 0;
}

const char *field_words(const struct field *f, char buf[FIELD_TEXT_SIZE])
{
	if (!is_known(f) || (f->kind == FIELD_COUNT && f->n == 0))
		return "";
	switch (f->kind) {
	case FIELD_TEXT:
		return f->text;
	case FIELD_TIME:
		return clock_text(f->n, buf, FIELD_TEXT_SIZE);
	case FIELD_SIZE:
		return str_size_text((uint64_t)f->n, buf, FIELD_TEXT_SIZE);
	default:
		snprintf(buf, FIELD_TEXT_SIZE, "%" PRId64, f->n);
		return buf;
	}
}

static void put_value(struct json *o, const struct field *f)
{
	if (f->kind == FIELD_TEXT)
		json_put_text(o, f->key, f->text);
	else if (f->kind == FIELD_BOOL)
		json_put_bool(o, f->key, f->n);
	else
		json_put_int(o, f->key, f->kind == FIELD_TIME ? f->n / USEC_PER_SEC : f->n);
}

void fields_put(struct json *o, const struct field *fields, size_t count)
{
	for (const struct field *f = fields; f < fields + count; f++) {
		if (f->key && is_known(f))
			put_value(o, f);
		else if (f->key && f->null)
			json_put_text(o, f->key, NULL);
	}
}

/* Columns that the labels take. */
static int label_width(const struct field *fields, size_t count)
{
	size_t width = 15;

	for (size_t i = 0; i < count; i++)
		if (fields[i].label && strlen(fields[i].label) > width)
			width = strlen(fields[i].label);
	return (int)width;
}

void fields_say(FILE *to, const struct field *fields, size_t count)
{
	char buf[FIELD_TEXT_SIZE];
	int width = label_width(fields, count);

	for (const struct field *f = fields; f < fields + count; f++) {
		const char *words = f->label ? field_words(f, buf) : "";

		if (*words)
			say(to, "%-*s %s\n", width, f->label, words);
	}
}
