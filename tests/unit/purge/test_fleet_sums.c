/* SPDX-License-Identifier: ISC */
/* Groups added up over all hosts; a host may send any number. */
#include "tests/unit/unit.h"

#include "purge/fleet/fleet_sums.h"

static void add(struct fleet_sums *s, const char *text)
{
	struct json *line = NULL;
	struct fleet_group *group;

	assert_int_equal(json_parse(text, strlen(text), &line, NULL), 0);
	assert_int_equal(fleet_sums_add(s, "group", "count", line, &group), 0);
	json_free(line);
}

static void test_joined(void **state)
{
	struct fleet_sums s = {0};

	(void)state;
	add(&s, "{\"group\":\"a.test\",\"count\":3,\"bytes\":10,\"oldest\":7,\"newest\":8}");
	add(&s, "{\"group\":\"b.test\",\"count\":9}");
	add(&s, "{\"group\":\"a.test\",\"count\":4,\"bytes\":-5,\"oldest\":5,\"newest\":6}");
	add(&s, "{\"group\":\"c.test\",\"count\":0}");
	add(&s, "{\"count\":1}");
	fleet_sums_close(&s);
	assert_int_equal(s.count, 2);
	assert_true(s.all == 16);
	assert_string_equal(s.list[0].name, "b.test");
	assert_true(s.list[1].count == 7 && s.list[1].hosts == 2 && s.list[1].bytes == 10);
	assert_true(s.list[1].oldest == 5 && s.list[1].newest == 8);
	fleet_sums_release(&s);
}

static void test_liars(void **state)
{
	struct fleet_sums s = {0};

	(void)state;
	for (size_t n = 0; n < 10000; n++)
		add(&s, "{\"group\":\"a.test\",\"count\":1125899906842623,\"bytes\":"
			"1125899906842623}");
	add(&s, "{\"group\":\"a.test\",\"count\":9223372036854775807}");
	fleet_sums_close(&s);
	assert_int_equal(s.count, 1);
	assert_true(s.all > 0 && s.list[0].count > 0 && s.list[0].bytes > 0);
	fleet_sums_release(&s);
}

/* A thousand groups are no bound where a name has megabytes. */
static void test_long_names(void **state)
{
	enum { LONG = 256 << 10 };
	struct fleet_sums s = {0};
	struct strbuf text = {0};
	unsigned added = 0;

	(void)state;
	strbuf_puts(&text, "{\"count\":1,\"group\":\"");
	for (size_t n = 0; n < LONG; n++)
		strbuf_putc(&text, 'x');
	strbuf_puts(&text, "\"}");
	for (unsigned host = 0; host < 2; host++) {
		fleet_sums_begin(&s);
		while (!fleet_sums_full(&s) && added < 1000) {
			add(&s, strbuf_text(&text));
			added++;
		}
		assert_int_equal(added, (host + 1) * (FLEET_SUMS_HOST / LONG));
	}
	s.bytes = FLEET_SUMS_ALL;
	fleet_sums_begin(&s);
	assert_true(fleet_sums_full(&s));
	strbuf_release(&text);
	fleet_sums_release(&s);
}

UNIT_MAIN(
    cmocka_unit_test(test_joined), cmocka_unit_test(test_liars), cmocka_unit_test(test_long_names))
