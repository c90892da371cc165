/* SPDX-License-Identifier: ISC */
/* Root's output as the database gets it. */
#include "tests/unit/unit.h"

#include "fleet/outcome.h"

static void say(struct outcome *o, const char *text)
{
	outcome_says(o, text, strlen(text));
}

static void test_states(void **state)
{
	static const struct {
		int code;
		struct door_end end;
		const char *state;
		int status;
	} rows[] = {
	    {0, {.status = 0}, "done", 0},
	    {0, {.status = 1}, "failed", 1},
	    {0, {.status = 1, .refused = true}, "refused", 1},
	    {0, {.status = 2}, "failed", 2},
	    {0, {.status = 2, .done = 5}, "partly", 2},
	    {0, {.status = 3, .done = 5}, "interrupted", 3},
	    {0, {.status = 77}, "failed", 77},
	    {ERR_CHILD, {.status = 0}, "failed", 2},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(rows); n++) {
		struct outcome o = {0};

		outcome_end(&o, rows[n].code, &rows[n].end, "why");
		assert_string_equal(o.state, rows[n].state);
		assert_int_equal(o.exit_status, rows[n].status);
		outcome_release(&o);
	}
}

/* Pieces may cut lines anywhere. A line that is not JSON is left out. The summary is the inner
 * object. */
static void test_lines(void **state)
{
	static const char text[] = "{\"a\":1}\nnoise\n[1]\n{\"b\":\"\\u202e\"}\n"
				   "{\"summary\":{\"matched\":2}}\n";
	struct door_end end = {.batch = 7};

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct outcome o = {.keeps_lines = true};

		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			outcome_says(&o, text + at,
			    sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step);
		outcome_end(&o, 0, &end, "");
		assert_int_equal(o.part_count, 1);
		assert_string_equal(o.parts[0].text, "[{\"a\":1},{\"b\":\"\\u202e\"}]");
		assert_string_equal(o.summary.text, "{\"matched\":2}");
		assert_int_equal(o.batch, 7);
		assert_false(o.cut);
		outcome_release(&o);
	}
}

static void test_verbs(void **state)
{
	struct outcome o = {.keeps_lines = outcome_has_lines("purge")};

	(void)state;
	assert_true(outcome_has_lines("list"));
	say(&o, "{\"queue_id\":\"A\"}\n{\"summary\":{}}");
	outcome_end(&o, 0, &(struct door_end){0}, "");
	assert_int_equal(o.part_count, 0);
	assert_string_equal(o.summary.text, "{}");
	outcome_release(&o);
}

/* More than the database takes is cut and marked. */
static void test_limits(void **state)
{
	struct outcome o = {.keeps_lines = true};
	struct strbuf line = {0};

	(void)state;
	strbuf_puts(&line, "{\"x\":\"");
	for (int n = 0; n < 100000; n++)
		strbuf_putc(&line, 'x');
	strbuf_puts(&line, "\"}\n");
	for (unsigned n = 0; n < 2 * OUTCOME_PARTS_MAX; n++)
		outcome_says(&o, line.text, line.len);
	assert_false(o.cut);
	outcome_says(&o, line.text, line.len);
	assert_true(o.cut);
	outcome_end(&o, 0, &(struct door_end){0}, "");
	assert_non_null(strstr(o.words.text, "left out"));
	assert_int_equal(o.part_count, OUTCOME_PARTS_MAX);
	for (size_t n = 0; n < o.part_count; n++)
		assert_true(o.parts[n].len <= OUTCOME_PART_MAX);
	outcome_release(&o);
	strbuf_release(&line);
}

/* Root's own words, or else the last complaint, without terminal controls. */
static void test_words(void **state)
{
	struct outcome o = {0};
	struct door_end end = {.status = 2};

	(void)state;
	outcome_complains(&o, "first\nsec", 9);
	outcome_complains(&o, "ond\x1b[2J\n\n", 9);
	outcome_end(&o, 0, &end, "");
	assert_string_equal(o.words.text, "second?[2J");
	outcome_release(&o);
	snprintf(end.words, sizeof(end.words), "no room");
	outcome_complains(&o, "other", 5);
	outcome_end(&o, 0, &end, "");
	assert_string_equal(o.words.text, "no room");
	outcome_release(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_states),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_verbs),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
