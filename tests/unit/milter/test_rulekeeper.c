/* SPDX-License-Identifier: ISC */
/* The rule keeper: two sources, one set in force, and a wrong file that changes nothing. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "milter/rulekeeper.h"

struct fixture {
	char directory[64], file[80];
	struct rulekeeper *keeper;
};

static void write_rules(const struct fixture *f, const char *text)
{
	char fresh[96];

	/* A new inode each time, so that a change within one tick of the file system's clock is
	 * seen. */
	snprintf(fresh, sizeof(fresh), "%s.new", f->file);
	FILE *to = fopen(fresh, "w");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(fresh, f->file), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->directory, sizeof(f->directory), "/tmp/pqp-rules.XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->file, sizeof(f->file), "%s/rules", f->directory);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rulekeeper_close(f->keeper);
	unlink(f->file);
	rmdir(f->directory);
	free(f);
	return 0;
}

static void open_keeper(struct fixture *f)
{
	struct err err;

	assert_int_equal(rulekeeper_open(f->file, &f->keeper, &err), 0);
}

/* What the set in force says of a sender; its place counted as hit where asked. */
static bool refuses(const struct fixture *f, const char *sender, bool count)
{
	struct ruleset *set = rulekeeper_get(f->keeper);
	struct address address;

	address_envelope(sender, NULL, &address);
	const struct ruleset_query query = {.address = &address, .wall = 1};
	struct ruleset_hit hit = ruleset_find(set, &query);
	bool found = hit.rule && hit.rule->action == RULE_REJECT;
	if (found && count)
		ruleset_count_hit(set, hit.index);
	ruleset_unref(set);
	return found;
}

static void set_command(const struct fixture *f, const char *subject)
{
	struct rule_list rules = {0};
	struct rule rule;

	if (subject) {
		assert_int_equal(rule_make(subject, RULE_REJECT, NULL, &rule, NULL), 0);
		assert_int_equal(rule_list_add(&rules, &rule), 0);
	}
	rulekeeper_set_command(f->keeper, &rules);
}

static void test_absent_file_is_no_rules(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	assert_false(refuses(f, "<a@bad.example>", false));
	write_rules(f, "bad.example REJECT\n");
	rulekeeper_reload(f->keeper, false);
	assert_true(refuses(f, "<a@bad.example>", false));
	unlink(f->file);
	rulekeeper_reload(f->keeper, false);
	assert_false(refuses(f, "<a@bad.example>", false));
}

static void test_wrong_file_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;

	write_rules(f, "# fine\nbad.example REJCT\n");
	assert_true(rulekeeper_open(f->file, &f->keeper, &err) < 0);
	assert_non_null(strstr(err.text, "rules:2:"));
	assert_null(f->keeper);
}

static void test_both_sources(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "file.example REJECT\n");
	open_keeper(f);
	set_command(f, "command.example");
	assert_true(refuses(f, "<a@file.example>", false));
	assert_true(refuses(f, "<a@command.example>", false));
	write_rules(f, "other.example REJECT\n");
	rulekeeper_reload(f->keeper, false);
	assert_false(refuses(f, "<a@file.example>", false));
	assert_true(refuses(f, "<a@other.example>", false));
	assert_true(refuses(f, "<a@command.example>", false));
	set_command(f, NULL);
	assert_true(refuses(f, "<a@other.example>", false));
	assert_false(refuses(f, "<a@command.example>", false));
}

static void test_wrong_file_keeps_the_old(void **state)
{
	struct fixture *f = *state;
	struct strbuf text = {0};

	write_rules(f, "old.example REJECT\n");
	open_keeper(f);
	write_rules(f, "new.example REJECT\nrubbish\n");
	rulekeeper_reload(f->keeper, false);
	assert_true(refuses(f, "<a@old.example>", false));
	assert_false(refuses(f, "<a@new.example>", false));
	rulekeeper_status(f->keeper, &text);
	assert_non_null(strstr(strbuf_text(&text), "rules=1\n"));
	assert_non_null(strstr(strbuf_text(&text), "rules_error="));
	set_command(f, "command.example"); /* built of the old file, not of the wrong one */
	assert_true(refuses(f, "<a@old.example>", false));

	write_rules(f, "new.example REJECT\n");
	rulekeeper_reload(f->keeper, false);
	assert_true(refuses(f, "<a@new.example>", false));
	strbuf_clear(&text);
	rulekeeper_status(f->keeper, &text);
	assert_null(strstr(strbuf_text(&text), "rules_error="));
	strbuf_release(&text);
}

static void test_unchanged_file_is_left_alone(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "old.example REJECT\n");
	open_keeper(f);
	struct ruleset *before = rulekeeper_get(f->keeper);
	rulekeeper_reload(f->keeper, false);
	struct ruleset *after = rulekeeper_get(f->keeper);
	assert_ptr_equal(before, after);
	ruleset_unref(after);
	rulekeeper_reload(f->keeper, true);
	after = rulekeeper_get(f->keeper);
	assert_ptr_not_equal(before, after);
	ruleset_unref(after);
	ruleset_unref(before);
}

static void add_hits(void *to, const struct rule *r, uint64_t hits)
{
	if (r->line == 0)
		assert_string_equal(r->subject, "command.example");
	*(uint64_t *)to += hits;
}

static void test_hits_survive_a_swap(void **state)
{
	struct fixture *f = *state;
	uint64_t hits = 0;

	open_keeper(f);
	set_command(f, "command.example");
	assert_true(refuses(f, "<a@command.example>", true));
	rulekeeper_reload(f->keeper, true);
	assert_true(refuses(f, "<a@command.example>", true));
	rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	assert_int_equal(hits, 2);
	rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	assert_int_equal(hits, 2); /* taken once */
}

/* A session is slow: its set has long been replaced, and what was hit collected, when it counts. */
static void test_hit_of_a_set_that_is_gone(void **state)
{
	struct fixture *f = *state;
	uint64_t hits = 0;

	write_rules(f, "file.example REJECT\n");
	open_keeper(f);
	struct ruleset *held = rulekeeper_get(f->keeper);
	for (int i = 0; i < 20; i++) {
		set_command(f, "command.example");
		rulekeeper_reload(f->keeper, true);
	}
	rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	assert_int_equal(hits, 0);
	ruleset_count_hit(held, 0);
	ruleset_unref(held);
	rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	assert_int_equal(hits, 1);
}

static long limit_errors(const struct fixture *f)
{
	static const char key[] = "match_limit_errors=";
	struct strbuf text = {0};

	rulekeeper_status(f->keeper, &text);
	const char *at = strstr(strbuf_text(&text), key);
	assert_non_null(at);
	long number = strtol(at + strlen(key), NULL, 10);
	strbuf_release(&text);
	return number;
}

/* Counted since the start, whether told yet or not, and over reloads. */
static void test_limit_errors(void **state)
{
	struct fixture *f = *state;
	char sender[80];

	memset(sender, 'a', 60);
	snprintf(sender + 60, 20, "@bad.example");
	write_rules(f, "/^(a+)+$/ REJECT\n");
	open_keeper(f);
	assert_false(refuses(f, sender, false));
	assert_int_equal(limit_errors(f), 1);
	rulekeeper_tell_limits(f->keeper);
	assert_int_equal(limit_errors(f), 1);
	assert_false(refuses(f, sender, false));
	rulekeeper_reload(f->keeper, true);
	assert_int_equal(limit_errors(f), 2);
	assert_false(refuses(f, sender, false));
	assert_int_equal(limit_errors(f), 3);
}

static void test_line_numbers_are_kept(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "\n\nthird.example REJECT\n");
	open_keeper(f);
	struct ruleset *set = rulekeeper_get(f->keeper);
	assert_int_equal(ruleset_at(set, 0)->line, 3);
	ruleset_unref(set);
}

struct reader_thread {
	const struct fixture *fixture;
	atomic_bool stop;
	atomic_long right, wrong;
};

static void *read_on(void *arg)
{
	struct reader_thread *r = arg;

	while (!r->stop)
		if (refuses(r->fixture, "<a@always.example>", true))
			r->right++;
		else
			r->wrong++;
	return NULL;
}

static void test_swaps_under_readers(void **state)
{
	struct fixture *f = *state;
	struct reader_thread reader = {.fixture = f};
	pthread_t threads[4];
	uint64_t hits = 0;

	write_rules(f, "always.example REJECT\n");
	open_keeper(f);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reader), 0);
	for (int i = 0; i < 200; i++) {
		set_command(f, i % 2 ? "command.example" : NULL);
		if (i % 10 == 0)
			rulekeeper_reload(f->keeper, true);
		if (i % 7 == 0)
			rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	}
	reader.stop = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(reader.wrong, 0);
	/* None is lost, whoever held a set for how long. */
	rulekeeper_collect_hits(f->keeper, add_hits, &hits);
	assert_int_equal(hits, reader.right);
}

/* No descriptor was free just when the file had changed: it is read at the next look. */
static void test_unreadable_for_a_moment(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, none;

	write_rules(f, "old.example REJECT\n");
	open_keeper(f);
	write_rules(f, "new.example REJECT\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rulekeeper_reload(f->keeper, false);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(refuses(f, "a@old.example", false));
	rulekeeper_reload(f->keeper, false);
	assert_true(refuses(f, "a@new.example", false));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT_MAIN(TEST(test_absent_file_is_no_rules), TEST(test_wrong_file_is_an_error),
    TEST(test_both_sources), TEST(test_wrong_file_keeps_the_old),
    TEST(test_unchanged_file_is_left_alone), TEST(test_unreadable_for_a_moment),
    TEST(test_hits_survive_a_swap), TEST(test_hit_of_a_set_that_is_gone), TEST(test_limit_errors),
    TEST(test_line_numbers_are_kept), TEST(test_swaps_under_readers))
