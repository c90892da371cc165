/* SPDX-License-Identifier: ISC */
/* A struct json is a json_t. An object under construction has an extra member "whole", an array an
 * extra first element. A failed allocation removes that mark, which needs no memory, so the failure
 * stays with the object and passes to any object that it is put into. */
#include <jansson.h>

#include "base/json.h"

#define TEXT_MAX   ((size_t)16 << 20)
#define WEIGHT_MAX 1500000
#define DEPTH_MAX  16

static const char whole[] = "\001whole";

static json_t *value_of(const struct json *o)
{
	return (json_t *)(uintptr_t)o;
}

static struct json *json_of(json_t *value)
{
	return (struct json *)value;
}

static void spoil(struct json *o)
{
	json_t *value = value_of(o);

	if (json_is_array(value))
		json_array_clear(value);
	else
		json_object_del(value, whole);
}

static bool finish(json_t *value)
{
	if (json_is_array(value))
		return json_array_remove(value, 0) == 0;
	return json_object_del(value, whole) == 0;
}

void json_free(struct json *o)
{
	json_decref(value_of(o));
}

void json_release(struct json **o)
{
	json_free(*o);
}

struct json *json_reopen(struct json *o)
{
	if (json_object_set_new(value_of(o), whole, json_true()) == 0)
		return o;
	json_free(o);
	return NULL;
}

struct json *json_duplicate(const struct json *o)
{
	json_t *copy = json_deep_copy(value_of(o));

	return copy ? json_reopen(json_of(copy)) : NULL;
}

struct json *json_new(void)
{
	return json_reopen(json_of(json_object()));
}

struct json *json_new_array(void)
{
	json_t *value = json_array();

	if (json_array_append_new(value, json_true()) == 0)
		return json_of(value);
	json_decref(value);
	return NULL;
}

/* jansson takes over value, even on failure and even if it is NULL. */
static void set_new(struct json *o, const char *key, json_t *value)
{
	if (!o)
		json_decref(value);
	else if (json_object_set_new(value_of(o), key, value) != 0)
		spoil(o);
}

static void clean_utf8(struct strbuf *into, const char *text, size_t len)
{
	while (len > 0) {
		uint32_t point;
		size_t step = str_utf8(text, len, &point);

		if (step > 0)
			strbuf_add(into, text, step);
		else
			strbuf_puts(into, "\xef\xbf\xbd");
		step = step ? step : 1;
		text += step;
		len -= step;
	}
}

/* jansson accepts only UTF-8. */
static json_t *text_value(const char *text)
{
	AUTO(strbuf_release) struct strbuf clean = {0};
	json_t *value = json_string(text);

	if (value)
		return value;
	clean_utf8(&clean, text, strlen(text));
	if (!clean.failed)
		value = json_string(strbuf_text(&clean));
	return value;
}

void json_put_text(struct json *o, const char *key, const char *text)
{
	set_new(o, key, text ? text_value(text) : json_null());
}

void json_put_words(struct json *o, const char *key, const char *text)
{
	if (text && *text)
		json_put_text(o, key, text);
}

void json_put_int(struct json *o, const char *key, int64_t value)
{
	set_new(o, key, json_integer(value));
}

void json_put_bool(struct json *o, const char *key, bool value)
{
	set_new(o, key, json_boolean(value));
}

void json_put_share(struct json *o, const char *key, double value)
{
	set_new(o, key, json_real(value));
}

static void append_value(json_t **array, json_t *value)
{
	if (json_array_append_new(*array, value) == 0)
		return;
	json_decref(*array);
	*array = NULL;
}

void json_put_ints(struct json *o, const char *key, const uint64_t *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		append_value(&array, json_integer((json_int_t)list[i]));
	set_new(o, key, array);
}

void json_put_list(struct json *o, const char *key, const struct strlist *list)
{
	json_t *array = json_array();

	strlist_each (item, list)
		append_value(&array, text_value(item));
	set_new(o, key, array);
}

void json_put_packed(struct json *o, const char *key, struct strbuf *packed)
{
	struct strlist list = strlist_of(packed);

	if (packed->failed)
		spoil(o);
	json_put_list(o, key, &list);
	strbuf_release(packed);
}

void json_put(struct json *o, const char *key, struct json *child)
{
	if (o && (!child || !finish(value_of(child))))
		spoil(o);
	set_new(o, key, value_of(child));
}

struct json *json_request(const char *what)
{
	struct json *o = json_new();

	json_put_text(o, "do", what);
	return o;
}

void json_append(struct json *array, struct json *child)
{
	json_t *value = value_of(child);

	if (!array || json_array_size(value_of(array)) == 0) {
		json_decref(value);
		return;
	}
	if (!value || !finish(value)) {
		json_decref(value);
		spoil(array);
	} else if (json_array_append_new(value_of(array), value) != 0) {
		spoil(array);
	}
}

/* Nearly all bytes are printable ASCII, which needs no decoding. */
static size_t plain(const char *text)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	return n;
}

/* Unsafe characters are legal in JSON, but can control terminals and deceive readers. They occur
 * only in strings, so the finished text can be escaped. */
static void escape_rest(struct strbuf *into, const char *text)
{
	size_t step;

	for (size_t len = strlen(text); len > 0; text += step, len -= step) {
		uint32_t point = 0;

		step = plain(text);
		strbuf_add(into, text, step);
		if (step > 0)
			continue;
		step = str_utf8(text, len, &point);
		step = step ? step : 1;
		if (!str_is_unsafe(point))
			strbuf_add(into, text, step);
		else if (point < 0x10000)
			strbuf_printf(into, "\\u%04X", point);
		else
			strbuf_printf(into, "\\u%04X\\u%04X", 0xd800 + ((point - 0x10000) >> 10),
			    0xdc00 + (point & 0x3ff));
	}
}

int json_write(struct strbuf *to, struct json *o)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	char *text = NULL;

	if (o && finish(value_of(o)))
		text = json_dumps(value_of(o), JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_free(o);
	if (!text)
		return -ENOMEM;
	escape_rest(&line, text);
	strbuf_putc(&line, '\n');
	free(text);
	if (!line.failed)
		strbuf_add(to, line.text, line.len);
	return line.failed || to->failed ? -ENOMEM : 0;
}

int json_line(FILE *to, struct json *o)
{
	AUTO(strbuf_release) struct strbuf line = {0};
	int code = json_write(&line, o);

	errno = 0;
	if (code == 0 && fwrite(line.text, 1, line.len, to) != line.len)
		code = errno ? -errno : -EIO;
	return code;
}

int json_line_of(FILE *to, const char *key, struct json *child)
{
	struct json *line = json_new();

	json_put(line, key, child);
	return json_line(to, line);
}

/* What jansson allocates, in units of about 30 to 60 bytes: 225 for an empty object, 130 for a
 * member, 60 for an array's text. */
static size_t weight_of(char c)
{
	return c == '{' || c == '[' ? 7 : c == ':' ? 2 : c == ',';
}

/* Bounds what jansson allocates; its own limit of nesting is 2048. Returns NULL, or what is too
 * much. */
static const char *excess_of(const char *text, size_t len)
{
	size_t depth = 0, weight = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		bool opens = !quoted && (text[i] == '{' || text[i] == '[');

		weight += quoted ? 0 : weight_of(text[i]);
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (opens)
			depth++;
		else if (!quoted && (text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (depth > DEPTH_MAX)
			return "nested deeper than 16";
	}
	return weight > WEIGHT_MAX ? "too many values" : NULL;
}

static json_t *load(const char *text, size_t len, json_error_t *why)
{
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, why);
	AUTO(strbuf_release) struct strbuf clean = {0};

	if (value || json_error_code(why) != json_error_invalid_utf8)
		return value;
	clean_utf8(&clean, text, len);
	if (!clean.failed)
		value = json_loadb(clean.text, clean.len, JSON_REJECT_DUPLICATES, why);
	return value;
}

int json_parse(const char *text, size_t len, struct json **ret, struct err *err)
{
	json_error_t why;

	if (len > TEXT_MAX)
		return err_set(err, ERR_SYNTAX, "failed to read JSON (longer than 16 MiB)");
	const char *excess = excess_of(text, len);
	if (excess)
		return err_set(err, ERR_SYNTAX, "failed to read JSON (%s)", excess);
	json_t *value = load(text, len, &why);
	if (!value && json_error_code(&why) == json_error_out_of_memory)
		return err_sys(err, ENOMEM, "failed to read JSON");
	if (!value)
		return err_set(
		    err, ERR_SYNTAX, "failed to read JSON at byte %d (%s)", why.position, why.text);
	if (!json_is_object(value)) {
		json_decref(value);
		return err_set(err, ERR_SYNTAX, "failed to read JSON (not an object)");
	}
	*ret = json_of(value);
	return 0;
}

static json_t *member(const struct json *o, const char *key)
{
	return key ? json_object_get(value_of(o), key) : value_of(o);
}

const char *json_text(const struct json *o, const char *key)
{
	return json_string_value(member(o, key));
}

const char *json_words(const struct json *o, const char *key)
{
	const char *text = json_text(o, key);

	return text ? text : "";
}

int64_t json_int(const struct json *o, const char *key, int64_t otherwise)
{
	json_t *value = member(o, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

uint64_t json_unsigned(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

bool json_bool(const struct json *o, const char *key, bool otherwise)
{
	json_t *value = member(o, key);

	return json_is_boolean(value) ? json_boolean_value(value) : otherwise;
}

const struct json *json_child(const struct json *o, const char *key)
{
	json_t *value = member(o, key);

	return json_is_object(value) || json_is_array(value) ? json_of(value) : NULL;
}

size_t json_count(const struct json *o, const char *key)
{
	return json_array_size(member(o, key));
}

const struct json *json_at(const struct json *o, const char *key, size_t n)
{
	return json_of(json_array_get(member(o, key), n));
}

void json_list(const struct json *o, const char *key, size_t max, struct strbuf *packed)
{
	for (size_t n = 0; n < json_count(o, key) && n < max; n++) {
		const char *text = json_text(json_at(o, key, n), NULL);

		if (text)
			strlist_push(packed, text, strlen(text));
	}
}

int json_member_text(const struct json *o, const char *key, struct strbuf *to)
{
	json_t *value = member(o, key);
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (!value)
		return -ENOENT;
	if (!text)
		return -ENOMEM;
	escape_rest(to, text);
	free(text);
	return to->failed ? -ENOMEM : 0;
}

bool json_next(const struct json *o, void **at, const char **ret_key, const struct json **ret_value)
{
	do
		*at = *at ? json_object_iter_next(value_of(o), *at) : json_object_iter(value_of(o));
	while (*at && strcmp(json_object_iter_key(*at), whole) == 0);
	if (!*at)
		return false;
	*ret_key = json_object_iter_key(*at);
	*ret_value = json_of(json_object_iter_value(*at));
	return true;
}
