/* SPDX-License-Identifier: ISC */
/* JSON out and in: order, escapes, bytes that are not UTF-8, bounds. */
#include <errno.h>

#include "tests/unit/unit.h"

#include "base/json.h"

/* Free it. */
static char *line_of(struct json *o)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int code;

	assert_non_null(to);
	code = json_line(to, o);
	fclose(to);
	assert_int_equal(code, 0);
	return text;
}

static void test_all_kinds_in_order(void **state)
{
	struct strbuf packed = {0};
	struct strlist list;
	static const uint64_t ints[] = {0, 1, UINT64_C(1) << 62};
	struct json *o = json_new(), *inner = json_new(), *array = json_new_array();
	char *text;

	(void)state;
	strlist_push(&packed, "a@example.com", 13);
	strlist_push(&packed, "b", 1);
	list = strlist_of(&packed);
	json_put_text(o, "z", "last letter first");
	json_put_text(o, "none", NULL);
	json_put_int(o, "least", INT64_MIN);
	json_put_bool(o, "yes", true);
	json_put_text(o, "nothing", NULL);
	json_put_list(o, "list", &list);
	json_put_int(inner, "matched", 3);
	json_put(o, "summary", inner);
	json_append(array, json_new());
	json_put(o, "array", array);
	json_put(o, "empty", json_new_array());
	json_put_share(o, "share", 2.0 / 3);
	json_put_ints(o, "ints", ints, 3);
	json_put_ints(o, "no_ints", ints, 0);
	text = line_of(o);
	assert_string_equal(text,
	    "{\"z\":\"last letter first\",\"none\":null,\"least\":-9223372036854775808,"
	    "\"yes\":true,\"nothing\":null,\"list\":[\"a@example.com\",\"b\"],"
	    "\"summary\":{\"matched\":3},\"array\":[{}],\"empty\":[],"
	    "\"share\":0.666667,\"ints\":[0,1,4611686018427387904],\"no_ints\":[]}\n");
	free(text);
	strbuf_release(&packed);
}

static void test_texts(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *want;
	} cases[] = {
	    {"plain", "abc", "abc"},
	    {"quotes", "a\"b\\c", "a\\\"b\\\\c"},
	    {"C0", "\x01\n\t\x1b", "\\u0001\\n\\t\\u001B"},
	    {"DEL", "a\x7f", "a\\u007F"},
	    {"C1", "a\xc2\x9b", "a\\u009B"},
	    {"right to left override", "\xe2\x80\xae", "\\u202E"},
	    {"zero width", "\xe2\x80\x8b", "\\u200B"},
	    {"tag character", "\xf3\xa0\x81\x81", "\\uDB40\\uDC41"},
	    {"UTF-8", "\xc3\xbc\xf0\x9f\x93\xa7", "\xc3\xbc\xf0\x9f\x93\xa7"},
	    {"after C1", "\xc2\xa0", "\xc2\xa0"},
	    {"Latin-1", "gr\xfc\xdf", "gr\xef\xbf\xbd\xef\xbf\xbd"},
	    {"overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"cut", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
	};
	char want[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *o = json_new();
		char *text;

		json_put_text(o, "k", cases[i].text);
		text = line_of(o);
		snprintf(want, sizeof(want), "{\"k\":\"%s\"}\n", cases[i].want);
		case_assert_text(cases[i].name, text, want);
		free(text);
	}
}

/* If a part could not be made, the whole cannot be written, at any depth. */
static void test_failure_is_sticky(void **state)
{
	struct json *o = json_new(), *array = json_new_array(), *child = json_new();
	FILE *to = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(to);
	json_put(child, "missing", NULL);
	json_append(array, child);
	json_append(array, json_new());
	json_put(o, "list", array);
	json_put_int(o, "n", 1);
	assert_int_equal(json_line(to, o), -ENOMEM);
	o = json_new();
	json_put(o, "a", NULL);
	json_put_int(o, "n", 1);
	assert_int_equal(json_line(to, o), -ENOMEM);
	assert_int_equal(json_line(to, NULL), -ENOMEM);
	json_put_text(NULL, "k", "v");
	json_put(NULL, "k", json_new());
	json_append(NULL, json_new());
	json_free(NULL);
	fclose(to);
}

static void test_stream_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct json *o = json_new();

	(void)state;
	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_line(full, o), -ENOSPC);
	fclose(full);
}

static void test_read(void **state)
{
	static const char text[] =
	    "{\"queue_name\": \"deferred\", \"message_size\": 12, \"n\": null,"
	    " \"recipients\": [{\"address\": \"a\"}, {\"address\": \"b\"}],"
	    " \"names\": [\"x\", \"y\"]}\n";
	struct json *o;
	struct err err;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &o, &err), 0);
	assert_string_equal(json_text(o, "queue_name"), "deferred");
	assert_null(json_text(o, "message_size"));
	assert_null(json_text(o, "absent"));
	assert_int_equal(json_int(o, "message_size", -1), 12);
	assert_int_equal(json_int(o, "queue_name", -1), -1);
	assert_int_equal(json_int(o, "absent", 9), 9);
	assert_int_equal(json_count(o, "recipients"), 2);
	assert_int_equal(json_count(o, "queue_name"), 0);
	assert_int_equal(json_count(o, "absent"), 0);
	assert_string_equal(json_text(json_at(o, "recipients", 1), "address"), "b");
	assert_null(json_at(o, "recipients", 2));
	assert_null(json_text(json_at(o, "recipients", 2), "address"));
	assert_string_equal(json_text(json_at(o, "names", 0), NULL), "x");
	json_free(o);
}

static void test_read_what_we_write(void **state)
{
	struct json *o = json_new(), *again;
	struct err err;
	char *text;

	(void)state;
	json_put_text(o, "k", "a\x7f\xc2\x80\"\n\xff");
	text = line_of(o);
	assert_int_equal(json_parse(text, strlen(text), &again, &err), 0);
	assert_string_equal(json_text(again, "k"), "a\x7f\xc2\x80\"\n\xef\xbf\xbd");
	json_free(again);
	free(text);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
	    {"empty", ""},
	    {"array", "[1]"},
	    {"text", "\"x\""},
	    {"cut", "{\"a\": 1"},
	    {"trailing", "{} x"},
	    {"two", "{}{}"},
	    {"key twice", "{\"a\": 1, \"a\": 2}"},
	    {"huge number", "{\"a\": 99999999999999999999}"},
	    {"deeper than 16", "{\"a\":[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct json *o = NULL;
		struct err err = {{0}};
		int code = json_parse(cases[i].text, strlen(cases[i].text), &o, &err);

		case_assert(cases[i].name, code == ERR_SYNTAX);
		case_assert(cases[i].name, !o && err.text[0]);
	}
}

static void test_bounds(void **state)
{
	static const char deep[] = "{\"\\\"[[[[[[[[[[[[[[[[[[[[\":[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]}";
	static const char bad_utf8[] = "{\"k\": \"a\xff\"}";
	size_t len = ((size_t)16 << 20) + 1;
	char *text = malloc(len);
	struct json *o = NULL;
	struct err err;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "{}", 2);
	assert_int_equal(json_parse(text, len, &o, &err), ERR_SYNTAX);
	assert_int_equal(json_parse(text, len - 1, &o, &err), 0);
	json_free(o);
	/* What a reader allocates follows the values, not the bytes. */
	memcpy(text, "{\"a\":[", 6);
	for (size_t n = 0; n <= 200000; n++)
		memcpy(text + 6 + 3 * n, "{},", 3);
	memcpy(text + 6 + (size_t)3 * 200000, "{}]}", 4);
	assert_int_equal(json_parse(text, 6 + 3 * 200000 + 4, &o, &err), ERR_SYNTAX);
	memcpy(text + 6 + (size_t)3 * 90000, "{}]}", 4);
	assert_int_equal(json_parse(text, 6 + 3 * 90000 + 4, &o, &err), 0);
	json_free(o);
	/* As many queue IDs as there is room for: mailq | ... | purge --id - */
	for (size_t n = 0; n < 1000000; n++)
		memcpy(text + 6 + (size_t)14 * n, "\"3DB71A76083\",", 14);
	memcpy(text + 6 + (size_t)14 * 1000000 - 1, "]}", 2);
	assert_int_equal(json_parse(text, 6 + (size_t)14 * 1000000 + 1, &o, &err), 0);
	assert_int_equal(json_count(o, "a"), 1000000);
	json_free(o);
	free(text);
	assert_int_equal(
	    json_parse(deep, strlen(deep), &o, &err), 0); /* depth 16, not counting strings */
	json_free(o);
	assert_int_equal(json_parse(bad_utf8, strlen(bad_utf8), &o, &err), 0);
	assert_string_equal(json_text(o, "k"), "a\xef\xbf\xbd");
	json_free(o);
}

static void test_write(void **state)
{
	struct strbuf to = {0};
	struct json *o = json_new(), *child = json_new(), *back = NULL;

	(void)state;
	strbuf_puts(&to, "before\n");
	json_put_bool(child, "yes", true);
	json_put(o, "child", child);
	json_put_int(o, "n", 1);
	assert_int_equal(json_write(&to, o), 0);
	assert_string_equal(to.text, "before\n{\"child\":{\"yes\":true},\"n\":1}\n");
	assert_int_equal(json_write(&to, NULL), -ENOMEM);
	assert_int_equal(json_parse(to.text + 7, to.len - 7, &back, NULL), 0);
	assert_true(json_bool(json_child(back, "child"), "yes", false));
	assert_true(json_bool(back, "n", true)); /* another type, or absent */
	assert_false(json_bool(back, "absent", false));
	assert_null(json_child(back, "n"));
	assert_null(json_child(back, "absent"));
	json_free(back);
	strbuf_release(&to);
}

/* In order, whether the object was made or read; the mark of an unfinished object is no member. */
static void test_members(void **state)
{
	static const char text[] = "{\"b\":1,\"a\":\"x\"}";
	struct json *made = json_new(), *read = NULL, *list[2];
	struct strbuf line = {0};

	(void)state;
	json_put_int(made, "b", 1);
	json_put_text(made, "a", "x");
	assert_int_equal(json_parse(text, strlen(text), &read, NULL), 0);
	list[0] = made;
	list[1] = read;
	for (size_t i = 0; i < COUNT_OF(list); i++) {
		const struct json *value;
		const char *key;
		void *at = NULL;

		assert_true(json_next(list[i], &at, &key, &value));
		assert_string_equal(key, "b");
		assert_int_equal(json_int(value, NULL, 0), 1);
		assert_true(json_next(list[i], &at, &key, &value));
		assert_string_equal(key, "a");
		assert_string_equal(json_text(value, NULL), "x");
		assert_false(json_next(list[i], &at, &key, &value));
	}
	json_free(made);
	read = json_reopen(read);
	json_put_bool(read, "c", true);
	assert_int_equal(json_write(&line, read), 0);
	assert_string_equal(line.text, "{\"b\":1,\"a\":\"x\",\"c\":true}\n");
	strbuf_release(&line);
}

UNIT_MAIN(cmocka_unit_test(test_members), cmocka_unit_test(test_write),
    cmocka_unit_test(test_all_kinds_in_order), cmocka_unit_test(test_texts),
    cmocka_unit_test(test_failure_is_sticky), cmocka_unit_test(test_stream_error),
    cmocka_unit_test(test_read), cmocka_unit_test(test_read_what_we_write),
    cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds))
