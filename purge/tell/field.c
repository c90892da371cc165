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

static bool ends_with(const char *key, const char *end)
{
	size_t len = strlen(key);

	return len >= strlen(end) && strcmp(key + len - strlen(end), end) == 0;
}

static void put_number(struct strbuf *to, const char *key, int64_t n)
{
	char text[CLOCK_TEXT_SIZE];

	if (ends_with(key, "_time"))
		strbuf_puts(to, clock_text(n * USEC_PER_SEC, text, sizeof(text)));
	else if (ends_with(key, "_size"))
		strbuf_puts(to, str_size_text((uint64_t)n, text, sizeof(text)));
	else
		strbuf_printf(to, "%" PRId64, n);
}

static void say_value(struct strbuf *to, const char *key, const struct json *value);

static void put_members(struct strbuf *to, const char *key, const struct json *o)
{
	const size_t begin = to->len;
	const struct json *value;
	void *at = NULL;

	for (size_t i = 0; i < json_count(o, NULL); i++) {
		strbuf_puts(to, i ? ", " : "");
		say_value(to, key, json_at(o, NULL, i));
	}
	while (json_next(o, &at, &key, &value)) {
		strbuf_puts(to, to->len > begin ? ": " : "");
		if (json_bool(value, NULL, false))
			strbuf_puts(to, key);
		else
			say_value(to, key, value);
	}
}

static void say_value(struct strbuf *to, const char *key, const struct json *value)
{
	const char *text = json_text(value, NULL);
	int64_t n = json_int(value, NULL, INT64_MIN);

	if (text)
		strbuf_puts(to, text);
	else if (n != INT64_MIN)
		put_number(to, key, n);
	else if (json_bool(value, NULL, false))
		strbuf_puts(to, "yes");
	else
		put_members(to, key, value);
}

static void say_line(FILE *to, const char *key, const struct strbuf *value)
{
	char label[32];

	snprintf(label, sizeof(label), "%s", key);
	for (char *at = label; (at = strchr(at, '_'));)
		*at = ' ';
	if (value->len)
		say(to, "%-15s %s\n", label, strbuf_text(value));
}

static void say_member(FILE *to, const char *key, const struct json *value)
{
	size_t count = json_count(value, NULL);
	AUTO(strbuf_release) struct strbuf line = {0};

	for (size_t i = 0; i < count || i == 0; i++) {
		strbuf_clear(&line);
		say_value(&line, key, count ? json_at(value, NULL, i) : value);
		say_line(to, i ? "" : key, &line);
	}
}

void sheet_say(FILE *to, const struct json *o)
{
	const struct json *value;
	const char *key;
	void *at = NULL;

	while (json_next(o, &at, &key, &value))
		say_member(to, key, value);
}
