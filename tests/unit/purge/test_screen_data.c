/* SPDX-License-Identifier: ISC */
/* The screen's reading of answers from the daemon and from its children. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/err.h"
#include "purge/screen/data.h"
#include "purge/screen/job.h"

#define NOW (INT64_C(29000000) * 60 * USEC_PER_SEC)

static void test_data(void **state)
{
	static const char *const bad[] = {"{}", "{\"now\":0}", "{\"now\":1,\"list\":[{}]}",
	    "{\"now\":1,\"list\":[{\"group\":1}]}", "{\"now\":1,\"list\":[1]}"};
	static const char good[] =
	    "{\"now\":5,\"caught_up\":4,\"count\":-3,\"list\":[{\"group\":\"a\",\"count\":7,"
	    "\"ages\":[1,-1,\"x\"],\"came\":7,\"oldest\":9223372036854775807}],\"others\":2}";
	static const char before[] = "{\"now\":5,\"caught_up\":-9223372036854775807}";
	struct screen_groups g;
	struct json *o;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(json_parse(bad[i], strlen(bad[i]), &o, NULL), 0);
		case_assert(bad[i], screen_groups_read(o, &g) == ERR_SYNTAX);
		screen_groups_release(&g);
		json_free(o);
	}
	assert_int_equal(json_parse(good, strlen(good), &o, NULL), 0);
	assert_int_equal(screen_groups_read(o, &g), 0);
	assert_int_equal(g.top.count, 1);
	assert_int_equal(g.top.messages, 0);
	assert_int_equal(g.top.list[0].count, 7);
	assert_int_equal(g.top.list[0].ages[0], 1);
	assert_int_equal(g.top.list[0].ages[1], 0);
	assert_int_equal(g.others, 2);
	assert_int_equal(g.caught_up, 4);
	screen_groups_release(&g);
	json_free(o);
	/* Needed for the ages. */
	assert_int_equal(json_parse(before, strlen(before), &o, NULL), 0);
	assert_int_equal(screen_groups_read(o, &g), 0);
	assert_int_equal(g.caught_up, 0);
	screen_groups_release(&g);
	json_free(o);
}

static void test_data_of_top(void **state)
{
	static const char lines[] =
	    "{\"group\":\"One.example\",\"count\":7,\"bytes\":10,\"oldest\":5,"
	    "\"newest\":6,\"ages\":[7]}\n{\"group\":\"two\",\"count\":1}\n";
	struct screen_groups g;

	(void)state;
	assert_int_equal(screen_groups_read_top(lines, strlen(lines), NOW, "", &g), 0);
	assert_int_equal(g.top.count, 2);
	assert_int_equal(g.top.messages, 8);
	assert_true(g.top.list[0].oldest == 5 * USEC_PER_SEC);
	assert_false(g.kept);
	screen_groups_release(&g);
	assert_int_equal(screen_groups_read_top(lines, strlen(lines), NOW, "one.", &g), 0);
	assert_int_equal(g.top.count, 1);
	assert_int_equal(g.top.more, 0);
	assert_int_equal(g.top.messages, 8);
	screen_groups_release(&g);
	assert_int_equal(screen_groups_read_top("nonsense\n", 9, NOW, "", &g), ERR_SYNTAX);
	screen_groups_release(&g);
	assert_int_equal(screen_groups_read_top("", 0, NOW, "", &g), 0);
	screen_groups_release(&g);
}

static int say_much(void *arg)
{
	const size_t most = *(const size_t *)arg;
	static const char line[] = "{\"group\":\"one.example\",\"count\":7}\n";

	for (size_t len = 0; len < most; len += sizeof(line) - 1)
		(void)!write(STDOUT_FILENO, line, sizeof(line) - 1);
	return 0;
}

/* Of an output that was cut, the complete lines are shown. */
static void test_data_that_is_cut(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		bool cut;
	} cases[] = {{"little", 1000, false}, {"much", JOB_OUTPUT_MAX + 1000000, true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct job job = {0};
		struct screen_groups g;
		char complaint[8];

		assert_int_equal(job_start(&job, say_much, (void *)(uintptr_t)&cases[i].len), 0);
		while (job_read(&job))
			;
		assert_int_equal(job_finish(&job, complaint, sizeof(complaint)), 0);
		case_assert(cases[i].name, job.cut == cases[i].cut);
		case_assert(cases[i].name, job.out.len <= JOB_OUTPUT_MAX);
		const char *text = strbuf_text(&job.out);
		case_assert(
		    cases[i].name, screen_groups_read_top(text, job.out.len, NOW, "", &g) == 0);
		case_assert(cases[i].name, g.top.messages / 7 >= cases[i].len / 50);
		screen_groups_release(&g);
		job_release(&job);
	}
}

UNIT_MAIN(cmocka_unit_test(test_data), cmocka_unit_test(test_data_of_top),
    cmocka_unit_test(test_data_that_is_cut))
