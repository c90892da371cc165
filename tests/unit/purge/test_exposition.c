/* SPDX-License-Identifier: ISC */
/* Prometheus' text format: a line stays one sample, whatever its label contains. */
#include "tests/unit/unit.h"

#include "purge/metrics/exposition.h"

static const struct metric metric = {"x_total", "counter", "What."};
static const char head[] = "# HELP x_total What.\n# TYPE x_total counter\n";

static void test_labels(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} cases[] = {
	    {"plain", "example.com", "x_total{a=\"example.com\"} -7\n"},
	    {"nothing", "", "x_total{a=\"\"} -7\n"},
	    {"a quote", "a\"} 1", "x_total{a=\"a\\\"} 1\"} -7\n"},
	    {"a backslash", "\\n\\", "x_total{a=\"\\\\n\\\\\"} -7\n"},
	    {"a line end", "a\nx_total 1", "x_total{a=\"a?x_total 1\"} -7\n"},
	    {"no UTF-8", "\377\300\200", "x_total{a=\"???\"} -7\n"},
	    {"UTF-8", "b\303\274cher", "x_total{a=\"b\303\274cher\"} -7\n"},
	    {"an escape", "\033[31m\302\233", "x_total{a=\"?[31m?\"} -7\n"},
	    {"right to left", "\342\200\256", "x_total{a=\"?\"} -7\n"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct exposition e = {.json = false};

		exposition_begin(&e, &metric);
		case_assert(cases[n].name, strncmp(strbuf_text(&e.text), head, strlen(head)) == 0);
		strbuf_clear(&e.text);
		exposition_put(&e, (const struct label[2]){{"a", cases[n].value}}, -7);
		case_assert_text(cases[n].name, strbuf_text(&e.text), cases[n].want);
		strbuf_release(&e.text);
	}
}

static void test_shapes(void **state)
{
	const struct label two[2] = {{"a", "1"}, {"b", "2"}};
	struct exposition e = {.json = false};

	(void)state;
	exposition_one(&e, &metric, INT64_MAX);
	exposition_put(&e, two, 0);
	assert_string_equal(strbuf_text(&e.text),
	    "# HELP x_total What.\n# TYPE x_total counter\nx_total 9223372036854775807\n"
	    "x_total{a=\"1\",b=\"2\"} 0\n");
	strbuf_release(&e.text);
	e.json = true;
	exposition_one(&e, &metric, 3);
	exposition_put(&e, two, 4);
	assert_string_equal(strbuf_text(&e.text),
	    "{\"name\":\"x_total\",\"labels\":{},\"value\":3}\n"
	    "{\"name\":\"x_total\",\"labels\":{\"a\":\"1\",\"b\":\"2\"},\"value\":4}\n");
	strbuf_release(&e.text);
}

/* Cut between characters, and with its NUL never longer than LABEL_MAX. */
static void test_bound(void **state)
{
	char value[3 * LABEL_MAX + 1] = "", buf[LABEL_MAX];

	(void)state;
	for (size_t n = 0; n < LABEL_MAX; n++)
		memcpy(value + 3 * n, "\342\202\254", 3);
	assert_true(str_is_utf8(label_text(value, buf)));
	assert_true(strlen(buf) >= LABEL_MAX - 4 && strlen(buf) < LABEL_MAX);
}

UNIT_MAIN(
    cmocka_unit_test(test_labels), cmocka_unit_test(test_shapes), cmocka_unit_test(test_bound))
