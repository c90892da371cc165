/* SPDX-License-Identifier: ISC */
/* An order's JSON as pairs for root: the form of each kind of value, and refused values. */
#include "tests/unit/unit.h"

#include "fleet/spec.h"

static void expect(const char *json, const char *const *pairs, size_t count)
{
	struct spec s = {0};
	struct err err = {{0}};

	if (spec_read(json, &s, &err) != 0)
		fail_msg("%s: %s", json, err.text);
	assert_int_equal(s.count, count);
	for (size_t n = 0; n < count; n++) {
		assert_string_equal(s.list[n].key, pairs[2 * n]);
		assert_string_equal(s.list[n].value, pairs[2 * n + 1]);
	}
	spec_release(&s);
	assert_int_equal(s.count, 0);
}

static void test_values(void **state)
{
	static const char *const pairs[] = {"author", "example.com", "author", "example.org",
	    "sweep", "yes", "older_s", "7200", "larger", "0", "limit", "-3", "queue", ""};

	(void)state;
	expect(
	    "{\"v\":1,\"author\":[\"example.com\",\"example.org\"],\"sweep\":true,\"only\":false,"
	    "\"scan\":null,\"older_s\":7200,\"larger\":0,\"limit\":-3,\"by\":[],\"queue\":\"\"}",
	    pairs, COUNT_OF(pairs) / 2);
	expect("{\"v\":1}", NULL, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *json;
		int code;
	} rows[] = {{"", ERR_SYNTAX}, {"[]", ERR_SYNTAX}, {"1", ERR_SYNTAX}, {"{", ERR_SYNTAX},
	    {"{}", ERR_VERSION}, {"{\"v\":2}", ERR_VERSION}, {"{\"v\":\"1\"}", ERR_VERSION},
	    {"{\"v\":1,\"a\":{}}", ERR_SYNTAX}, {"{\"v\":1,\"a\":{\"b\":1}}", ERR_SYNTAX},
	    {"{\"v\":1,\"a\":[[1]]}", ERR_SYNTAX}, {"{\"v\":1,\"a\":[{}]}", ERR_SYNTAX},
	    {"{\"v\":1,\"a\":1.5}", ERR_SYNTAX}, {"{\"v\":1,\"a\":\"b\",\"a\":\"c\"}", ERR_SYNTAX},
	    {"{\"v\":1,\"a\":\"x\\u0000y\"}", ERR_SYNTAX}};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++) {
		struct spec s = {0};
		struct err err = {{0}};

		if (spec_read(rows[n].json, &s, &err) != rows[n].code)
			fail_msg("%s: %s", rows[n].json, err.text);
		assert_true(err.text[0]);
	}
}

/* As many values as root accepts, and one more. */
static void test_limits(void **state)
{
	struct spec s = {0};
	struct strbuf json = {0};
	struct err err = {{0}};

	(void)state;
	strbuf_puts(&json, "{\"v\":1,\"author\":[0");
	for (unsigned n = 1; n < DOOR_PAIRS_MAX; n++)
		strbuf_puts(&json, ",1");
	strbuf_puts(&json, "]}");
	assert_int_equal(spec_read(strbuf_text(&json), &s, &err), 0);
	assert_int_equal(s.count, DOOR_PAIRS_MAX);
	spec_release(&s);
	json.len -= 2;
	strbuf_puts(&json, ",1]}");
	assert_int_equal(spec_read(strbuf_text(&json), &s, &err), ERR_SYNTAX);
	strbuf_clear(&json);
	strbuf_puts(&json, "{\"v\":1,\"a\":\"");
	for (unsigned n = 0; n < SPEC_MAX; n++)
		strbuf_putc(&json, 'x');
	strbuf_puts(&json, "\"}");
	assert_int_equal(spec_read(strbuf_text(&json), &s, &err), ERR_SYNTAX);
	strbuf_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
