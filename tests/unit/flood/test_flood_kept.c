/* SPDX-License-Identifier: ISC */
/* State that outlives the daemon: the usual volumes, counts, marks, and their files. */
#include "tests/unit/flood/traffic.h"

static void newsletter(struct flood *f, unsigned day, unsigned count)
{
	send(f, mail("news", "news@a.example", "198.51.100.1"), count,
	    BEGIN + day * DAY + 10 * HOUR, HOUR);
	flood_tick(f, BEGIN + day * DAY + 20 * HOUR);
}

/* In the first week peaks count at once, later after six days, and a bad one never. */
static void test_learning(void **state)
{
	struct flood *f = make(NULL);
	const struct flood_message daily = mail("news", "news@a.example", "198.51.100.1");

	(void)state;
	newsletter(f, 0, 5000);
	assert_int_equal(strncmp(events(f), "begins login news", 17), 0);
	newsletter(f, 2, 6000);
	assert_string_equal(events(f), "");
	newsletter(f, 10, 60000); /* ten times as many */
	assert_int_equal(strncmp(events(f), "begins login news", 17), 0);
	newsletter(f, 12, 60000); /* not learned yet */
	assert_int_equal(strncmp(events(f), "begins login news", 17), 0);
	for (unsigned day = 13; day < 20; day++)
		send(f, daily, 1, BEGIN + day * DAY, 1);
	newsletter(f, 20, 60000);
	assert_string_equal(events(f), "");
	flood_free(f);
}

static void test_bad_is_not_learned(void **state)
{
	struct flood *f = make(NULL);
	const struct flood_message daily = mail("news", "news@a.example", "198.51.100.1");

	(void)state;
	send(f, daily, 1, BEGIN, 1);
	send(f, daily, 5000, BEGIN + 8 * DAY + 10 * HOUR, HOUR);
	flood_bad(f, flood_at(f, 0), BEGIN + 8 * DAY + 11 * HOUR);
	flood_tick(f, BEGIN + 8 * DAY + 20 * HOUR);
	events(f);
	for (unsigned day = 9; day < 20; day++)
		send(f, daily, 1, BEGIN + day * DAY, 1);
	newsletter(f, 20, 5000);
	assert_int_equal(strncmp(events(f), "begins login news", 17), 0);
	flood_free(f);
}

static void test_normal_is_learned(void **state)
{
	struct flood *f = make(NULL);

	(void)state;
	send(f, mail("", "x@b.example", "local"), 1, BEGIN, 1); /* the first week is over */
	send(f, mail("news", "news@a.example", "198.51.100.1"), 5000, BEGIN + 8 * DAY, HOUR);
	flood_normal(f, flood_at(f, 0), BEGIN + 8 * DAY + HOUR);
	assert_int_equal(flood_open_count(f), 0);
	events(f);
	newsletter(f, 9, 6000);
	assert_string_equal(events(f), "");
	flood_free(f);
}

static void copy(struct flood *from, struct flood *to)
{
	struct strbuf text = {0};
	size_t at = 0;

	while (flood_save(from, &at, &text))
		continue;
	struct lines lines = LINES_IN(text.text, text.len);
	while (lines_next(&lines) == 1) {
		struct json *line = NULL;

		assert_int_equal(json_parse(lines.line.text, lines.line.len, &line, NULL), 0);
		if (flood_restore(to, line) != 0)
			fail_msg("not restored: %s", lines.line.text);
		json_free(line);
	}
	lines_release(&lines);
	strbuf_release(&text);
}

static void test_file(void **state)
{
	struct flood *f = make(NULL), *g = make(NULL);
	struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

	(void)state;
	newsletter(f, 0, 5000);
	newsletter(f, 1, 10);
	send(f, m, 150, BEGIN + 2 * DAY, 5 * MINUTE);
	events(f);
	copy(f, g);
	assert_string_equal(events(g), "");
	assert_int_equal(flood_open_count(g), 1);
	struct flood_incident *i = flood_find(g, 2);
	assert_non_null(i);
	assert_string_equal(i->key, "u");
	assert_int_equal(i->recipients, 150);
	assert_int_equal(i->clients_count, 1);
	assert_int_equal(i->ids_count, 5);
	assert_true(i->open && !i->until);
	flood_tick(g, BEGIN + 2 * DAY + HOUR);
	assert_string_equal(events(g), "ends login u 10m;");
	newsletter(g, 3, 6000); /* its peak was loaded, too */
	assert_string_equal(events(g), "");
	send(g, mail("new", "u@a.example", "198.51.100.1"), 150, BEGIN + 3 * DAY, MINUTE);
	assert_non_null(flood_find(g, 3)); /* numbers go on */
	flood_free(f);
	flood_free(g);
}

/* A key's counts from before a restart count after it, in its window and its share. */
static void test_counts_are_kept(void **state)
{
	struct flood *f = make(NULL), *g = make(NULL), *h = make(NULL);
	const struct flood_message m = mail("u", "u@a.example", "198.51.100.1");
	const struct flood_message far = mail("", "x@b.example", "198.51.100.1");

	(void)state;
	send(f, m, 60, BEGIN, MINUTE);
	send(f, far, 240, BEGIN, MINUTE);
	assert_int_equal(flood_counted_until(f), 0);
	copy(f, g);
	assert_true(flood_counted_until(g) > BEGIN && flood_counted_until(g) < BEGIN + MINUTE);
	send(g, m, 40, BEGIN + MINUTE, MINUTE);
	assert_string_equal(events(g), "");
	send(g, m, 1, BEGIN + 2 * MINUTE, MINUTE);
	assert_string_equal(events(g), "begins login u 10m;");
	assert_int_equal(flood_at(g, 0)->messages, 101);
	send(g, far, 761, BEGIN + MINUTE, MINUTE); /* 1001, but the first 240 were not kept */
	assert_string_equal(events(g), "");
	copy(g, h); /* nothing of the incident is reported twice */
	flood_tick(h, BEGIN + HOUR);
	assert_string_equal(events(h), "ends login u 10m;");
	send(h, m, 100, BEGIN + 8 * HOUR, 7 * HOUR);
	assert_string_equal(events(h), "");
	/* A day later the old counts are void. */
	struct flood *late = make(NULL);
	copy(f, late);
	send(late, m, 100, BEGIN + 2 * DAY, MINUTE);
	assert_string_equal(events(late), "");
	flood_free(late);
	flood_free(f);
	flood_free(g);
	flood_free(h);
}

/* Mail that is counted late counts at its arrival. */
static void test_counted_late(void **state)
{
	static const struct {
		int64_t ago;
		const char *want;
	} cases[] = {
	    {0, "begins login u 10m;"},
	    {15 * MINUTE, ""}, /* another bucket of ten minutes in the same hour */
	    {26 * HOUR, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct flood *f = make(NULL);
		struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

		send(f, m, 2, BEGIN + 30 * MINUTE, MINUTE);
		m.when = BEGIN + 31 * MINUTE - cases[i].ago;
		send(f, m, 150, BEGIN + 31 * MINUTE, 1);
		const char *got = events(f);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%zu: '%s'", i, got);
		m.when = 0;
		send(f, m, 60, BEGIN + 32 * MINUTE, MINUTE); /* 2 + 150 + 60 in the hour */
		assert_string_equal(events(f), i == 1   ? "begins login u 1h;"
					       : i == 0 ? "acts login u 10m;"
							: "");
		flood_free(f);
	}
}

static int learn(struct flood *f, const char *text)
{
	struct json *line = NULL;

	assert_int_equal(json_parse(text, strlen(text), &line, NULL), 0);
	int code = flood_learn(f, line);
	json_free(line);
	return code;
}

/* Learns from a log into a detector at work. */
static void test_learn(void **state)
{
	static const char peak[] =
	    "{\"kind\":\"login\",\"key\":\"u\",\"peak\":[90,90,90,0,0,0],\"day\":19990}";
	static const char *const others[] = {"{\"next_id\":99,\"started\":1}",
	    "{\"kind\":\"login\",\"key\":\"u\",\"id\":4,\"open\":1,\"last\":1}",
	    "{\"kind\":\"login\",\"key\":\"u\",\"peak\":[9,9,9,0,0,0]}"};
	struct flood *f = make(NULL), *bad = make(NULL);
	const struct flood_message m = mail("u", "u@a.example", "198.51.100.1");

	(void)state;
	send(f, m, 60, BEGIN, MINUTE);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(learn(f, others[i]), ERR_SYNTAX);
	assert_int_equal(flood_open_count(f), 0);
	assert_int_equal(learn(f, peak), 0);
	send(f, m, 200, BEGIN + MINUTE, MINUTE); /* 260 of 3 * 90 */
	assert_string_equal(events(f), "");
	send(f, m, 20, BEGIN + 2 * MINUTE, MINUTE);
	assert_string_equal(events(f), "begins login u 10m;acts login u 10m;");
	assert_int_equal(flood_at(f, 0)->id, 1);
	/* What was marked as bad is not learned from the log that contains it. */
	send(bad, m, 101, BEGIN, MINUTE);
	flood_bad(bad, flood_at(bad, 0), BEGIN + MINUTE);
	assert_int_equal(learn(bad, peak), 0);
	flood_tick(bad, BEGIN + HOUR);
	(void)events(bad);
	send(bad, m, 101, BEGIN + 8 * HOUR, MINUTE);
	assert_string_equal(events(bad), "begins login u 10m;");
	flood_free(f);
	flood_free(bad);
}

/* A purge, hold or block of a key marks its open incident. */
static void test_named(void **state)
{
	static const struct {
		const char *login, *sender, *client, *subject;
		unsigned count;
	} cases[] = {
	    {"u@a.example", "u@a.example", "198.51.100.1", "login:U@a.example", 1},
	    {"u@a.example", "u@a.example", "198.51.100.1", "login:v@a.example", 0},
	    {"u@a.example", "u@a.example", "198.51.100.1", "u@a.example", 0},
	    {"u@a.example", "u@a.example", "198.51.100.1", "a.example", 0},
	    {"", "web+x@a.example", "local", "web+y@A.example", 1},
	    {"", "web+x@a.example", "local", "web@a.example", 1},
	    {"", "login:ceo@a.example", "local", "login:ceo@a.example", 0},
	    {"", "login:ceo@a.example", "local", "\"login:ceo\"@a.example", 1},
	    {"", "x@b.example", "2001:db8::1", "client:2001:db8::/64", 1},
	    {"", "x@b.example", "2001:db8::1", "client:2001:db8::1", 0},
	    {"", "x@b.example", "198.51.100.1", "client:198.51.100.1/32", 1},
	    {"", "x@b.example", "198.51.100.1", "client:198.51.100.1", 1},
	    {"", "x@b.example", "198.51.100.1", "client:198.51.100.0/24", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct flood *f = make(NULL);

		send(
		    f, mail(cases[i].login, cases[i].sender, cases[i].client), 1001, BEGIN, MINUTE);
		assert_int_equal(flood_open_count(f), 1);
		unsigned count = flood_named(f, cases[i].subject, BEGIN + MINUTE);
		if (count != cases[i].count)
			fail_msg("%s: %u", cases[i].subject, count);
		assert_int_equal(flood_at(f, 0)->mark, count ? FLOOD_BAD : FLOOD_UNMARKED);
		assert_int_equal(flood_named(f, cases[i].subject, BEGIN + MINUTE), 0);
		flood_free(f);
	}
}

static void test_broken_lines(void **state)
{
	static const char *const lines[] = {"{}", "{\"kind\":\"login\"}",
	    "{\"kind\":\"x\",\"key\":\"u\"}", "{\"kind\":\"login\",\"key\":\"u\",\"day\":-1}",
	    "{\"kind\":\"login\",\"key\":\"u\",\"day\":70000}", "{\"next_id\":-5}",
	    "{\"kind\":\"login\",\"key\":\"u\",\"id\":-4}",
	    "{\"kind\":\"login\",\"key\":\"u\",\"id\":99999999999}"};
	struct flood *f = make(NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct json *line = NULL;

		assert_int_equal(json_parse(lines[i], strlen(lines[i]), &line, NULL), 0);
		if (flood_restore(f, line) != ERR_SYNTAX)
			fail_msg("taken: %s", lines[i]);
		json_free(line);
	}
	flood_free(f);
}

/* A mark that does not exist has no word to look up. */
static void test_unknown_mark(void **state)
{
	static const char text[] =
	    "{\"kind\":\"login\",\"key\":\"u\",\"id\":1,\"mark\":200,\"clients\":[]}";
	struct flood *f = make(NULL);
	struct json *line = NULL;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &line, NULL), 0);
	assert_int_equal(flood_restore(f, line), 0);
	assert_int_equal(flood_find(f, 1)->mark, FLOOD_UNMARKED);
	json_free(line);
	flood_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_learning),
	    cmocka_unit_test(test_bad_is_not_learned),
	    cmocka_unit_test(test_normal_is_learned),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_counts_are_kept),
	    cmocka_unit_test(test_counted_late),
	    cmocka_unit_test(test_learn),
	    cmocka_unit_test(test_named),
	    cmocka_unit_test(test_broken_lines),
	    cmocka_unit_test(test_unknown_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
