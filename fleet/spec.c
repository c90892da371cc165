/* SPDX-License-Identifier: ISC */
#include "fleet/spec.h"

#include "base/array.h"
#include "base/json.h"

void spec_release(struct spec *s)
{
	for (size_t n = 0; n < s->count; n++) {
		free((char *)(uintptr_t)s->list[n].key);
		free((char *)(uintptr_t)s->list[n].value);
	}
	free(s->list);
	*s = (struct spec){0};
}

static int add(struct spec *s, const char *key, const char *value, struct err *err)
{
	struct door_pair pair = {strdup(key), strdup(value)};

	if (s->count < DOOR_PAIRS_MAX && pair.key && pair.value && array_add(s, pair) == 0)
		return 0;
	free((char *)(uintptr_t)pair.key);
	free((char *)(uintptr_t)pair.value);
	if (s->count >= DOOR_PAIRS_MAX)
		return err_set(
		    err, ERR_SYNTAX, "the order has more than %u values", DOOR_PAIRS_MAX);
	return err_set(err, -ENOMEM, "out of memory");
}

static bool is_number(const struct json *value, int64_t *ret)
{
	*ret = json_int(value, NULL, 0);
	return *ret != 0 || json_int(value, NULL, 1) == 0;
}

/* False and null make no pair; a fraction or an object is an error. */
static bool is_nothing(const struct json *value)
{
	AUTO(strbuf_release) struct strbuf text = {0};

	return json_member_text(value, NULL, &text) == 0 &&
	       (strcmp(strbuf_text(&text), "null") == 0 ||
		   strcmp(strbuf_text(&text), "false") == 0);
}

static int add_value(struct spec *s, const char *key, const struct json *value, struct err *err)
{
	char digits[24];
	int64_t number;

	if (json_text(value, NULL))
		return add(s, key, json_text(value, NULL), err);
	if (json_bool(value, NULL, false))
		return add(s, key, "yes", err);
	if (is_nothing(value))
		return 0;
	if (!is_number(value, &number))
		return err_set(
		    err, ERR_SYNTAX, "the order's '%s' is neither a text nor a whole number", key);
	snprintf(digits, sizeof(digits), "%" PRId64, number);
	return add(s, key, digits, err);
}

static bool is_array(const struct json *value)
{
	AUTO(strbuf_release) struct strbuf text = {0};
	return json_child(value, NULL) && json_member_text(value, NULL, &text) == 0 &&
	       str_starts(strbuf_text(&text), "[");
}

/* An object counts as a value here, and is refused as such. */
static int add_member(struct spec *s, const char *key, const struct json *value, struct err *err)
{
	int code = 0;

	if (!is_array(value))
		return add_value(s, key, value, err);
	for (size_t n = 0; code == 0 && n < json_count(value, NULL); n++)
		code = add_value(s, key, json_at(value, NULL, n), err);
	return code;
}

static int read_members(const struct json *o, struct spec *s, struct err *err)
{
	const struct json *value;
	const char *key;
	void *at = NULL;
	int code = 0;

	while (code == 0 && json_next(o, &at, &key, &value))
		if (strcmp(key, "v") != 0)
			code = add_member(s, key, value, err);
	return code;
}

int spec_read(const char *json, struct spec *ret, struct err *err)
{
	size_t len = strlen(json);
	struct spec s = {0};
	AUTO(json_release) struct json *o = NULL;

	if (len > SPEC_MAX)
		return err_set(err, ERR_SYNTAX, "the order is longer than %u bytes", SPEC_MAX);
	int code = json_parse(json, len, &o, err);
	if (code < 0)
		return code == -ENOMEM ? code : err_within(err, ERR_SYNTAX, "the order's words");
	int64_t version = json_int(o, "v", 0);
	if (version != SPEC_VERSION)
		code = err_set(err, ERR_VERSION,
		    "the order is of version %" PRId64 "; version %d is known here", version,
		    SPEC_VERSION);
	else
		code = read_members(o, &s, err);
	if (code < 0)
		spec_release(&s);
	else
		*ret = s;
	return code;
}
