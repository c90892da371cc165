/* SPDX-License-Identifier: ISC */
/* The rule keeper: two files, one set in force, hits; a wrong rules file changes nothing. */
#include "tests/unit/milter/rulekeeper_fixture.h"

#include <fcntl.h>

#include <pthread.h>
#include <stdatomic.h>

static void test_absent_file_is_no_rules(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	assert_false(refuses(f, "<a@bad.example>", false));
	write_rules(f, "bad.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "<a@bad.example>", false));
	unlink(f->file);
	rulekeeper_each_second(f->keeper);
	assert_false(refuses(f, "<a@bad.example>", false));
}

static void test_wrong_file_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct err err;

	write_rules(f, "# fine\nbad.example REJCT\n");
	assert_true(rulekeeper_open(&f->settings, &f->keeper, &err) < 0);
	assert_non_null(strstr(err.text, "rules:2:"));
	assert_null(f->keeper);
}

static void test_both_sources(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "file.example REJECT\n");
	open_keeper(f);
	(void)set_rule(f, "command.example");
	assert_true(refuses(f, "<a@file.example>", false));
	assert_true(refuses(f, "<a@command.example>", false));
	write_rules(f, "other.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	assert_false(refuses(f, "<a@file.example>", false));
	assert_true(refuses(f, "<a@other.example>", false));
	assert_true(refuses(f, "<a@command.example>", false));
	(void)unset_rule(f, "command.example");
	assert_true(refuses(f, "<a@other.example>", false));
	assert_false(refuses(f, "<a@command.example>", false));
}

static void test_wrong_file_keeps_the_old(void **state)
{
	struct fixture *f = *state;
	struct json *told;

	write_rules(f, "old.example REJECT\n");
	open_keeper(f);
	write_rules(f, "new.example REJECT\nrubbish\n");
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "<a@old.example>", false));
	assert_false(refuses(f, "<a@new.example>", false));
	told = status(f);
	assert_int_equal(json_int(told, "rules", 0), 1);
	assert_non_null(strstr(json_text(told, "rules_error"), "rules:2:"));
	json_free(told);
	told = ask(f, "{\"do\":\"rules\"}");
	assert_non_null(strstr(json_text(told, "rules_error"), "rules:2:"));
	assert_int_equal(json_count(told, "rules"), 1);
	json_free(told);
	(void)set_rule(f, "command.example"); /* built with the old file, not the wrong one */
	assert_true(refuses(f, "<a@old.example>", false));

	write_rules(f, "new.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "<a@new.example>", false));
	told = status(f);
	assert_null(json_text(told, "rules_error"));
	json_free(told);
}

static void test_unchanged_file_is_left_alone(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "old.example REJECT\n");
	open_keeper(f);
	struct ruleset *before = rulekeeper_get(f->keeper);
	rulekeeper_each_second(f->keeper);
	struct ruleset *after = rulekeeper_get(f->keeper);
	assert_ptr_equal(before, after);
	ruleset_unref(after);
	rulekeeper_reload(f->keeper);
	after = rulekeeper_get(f->keeper);
	assert_ptr_not_equal(before, after);
	ruleset_unref(after);
	ruleset_unref(before);
}

static void test_hits_survive_a_swap(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	write_rules(f, "file.example REJECT\n");
	(void)set_rule(f, "command.example");
	assert_true(refuses(f, "<a@command.example>", true));
	rulekeeper_reload(f->keeper);
	assert_true(refuses(f, "<a@command.example>", true));
	assert_true(refuses(f, "<a@file.example>", true));
	assert_int_equal(hits_of(f, "command.example"), 2);
	assert_true(set_rule(f, "command.example").was_there); /* replaced: its hits go on */
	(void)set_rule(f, "other.example");
	rulekeeper_reload(f->keeper);
	assert_int_equal(hits_of(f, "command.example"), 2);
	assert_int_equal(hits_of(f, "file.example"), 1);
	(void)unset_rule(f, "command.example");
	(void)set_rule(f, "command.example"); /* another rule */
	assert_int_equal(hits_of(f, "command.example"), 0);
}

/* A slow session counts a hit when its set has long been replaced. */
static void test_hit_of_a_set_that_is_gone(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "file.example REJECT\n");
	open_keeper(f);
	struct ruleset *held = rulekeeper_get(f->keeper);
	for (int i = 0; i < 20; i++) {
		(void)set_rule(f, "command.example");
		rulekeeper_reload(f->keeper);
	}
	assert_int_equal(hits_of(f, "file.example"), 0);
	rule_hit(ruleset_at(held, 0));
	ruleset_unref(held);
	assert_int_equal(hits_of(f, "file.example"), 1);
}

/* The hits of the file's and the command's rules outlive the daemon. */
static void test_hits_are_saved(void **state)
{
	struct fixture *f = *state;

	write_rules(f, "file.example REJECT\n");
	open_keeper(f);
	(void)set_rule(f, "command.example");
	assert_true(refuses(f, "<a@command.example>", true));
	rulekeeper_each_second(f->keeper); /* the first write of the file */
	assert_non_null(strstr(text_of(f->hits), "1 command command.example\n"));
	assert_true(refuses(f, "<a@command.example>", true));
	assert_true(refuses(f, "<a@file.example>", true));
	rulekeeper_each_second(f->keeper);
	assert_null(strstr(text_of(f->hits), "2 command")); /* every ten seconds */
	open_again(f);
	assert_int_equal(hits_of(f, "command.example"), 2);
	assert_int_equal(hits_of(f, "file.example"), 1);
	/* The file is a cache: it may be lost, and contain anything. */
	rulekeeper_stop(f->keeper);
	rulekeeper_close(f->keeper);
	write_file(f->hits, "rubbish\n7 file file.example\n");
	open_keeper(f);
	assert_int_equal(hits_of(f, "command.example"), 0);
	assert_int_equal(hits_of(f, "file.example"), 7);
	assert_true(refuses(f, "<a@command.example>", false));
}

static int64_t idle_now = 1000 * USEC_PER_SEC;

static int64_t idle_clock(void)
{
	return idle_now;
}

static void make_old(const char *path)
{
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 0}, {1, 0}}, 0), 0);
}

static bool is_old(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mtime == 1;
}

/* A daemon that nobody talks to lets its disk sleep. */
static void test_idle_writes_nothing(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)set_rule(f, "command.example");
	assert_true(refuses(f, "<a@command.example>", true));
	clock_inject(NULL, idle_clock);
	idle_now += 3600 * USEC_PER_SEC;
	rulekeeper_each_second(f->keeper);
	make_old(f->hits);
	make_old(f->stored);
	for (int n = 0; n < 3600; n++) {
		idle_now += USEC_PER_SEC;
		rulekeeper_each_second(f->keeper);
	}
	assert_true(is_old(f->hits) && is_old(f->stored));
	assert_true(refuses(f, "<a@command.example>", true));
	idle_now += 3600 * USEC_PER_SEC;
	rulekeeper_each_second(f->keeper);
	assert_false(is_old(f->hits));
	assert_true(is_old(f->stored));
}

static int64_t limit_errors(const struct fixture *f)
{
	return status_int(f, "match_limit_errors");
}

/* Counted since the start, logged or not, and across reloads. */
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
	rulekeeper_each_second(f->keeper);
	assert_int_equal(limit_errors(f), 1);
	assert_false(refuses(f, sender, false));
	rulekeeper_reload(f->keeper);
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

/* Requests come in various threads, the status in another. */
static void *ask_on(void *arg)
{
	struct reader_thread *r = arg;

	while (!r->stop) {
		(void)hits_of(r->fixture, "always.example");
		(void)status_int(r->fixture, "rules");
		(void)set_rule(r->fixture, "asked.example");
	}
	return NULL;
}

static void test_swaps_under_readers(void **state)
{
	struct fixture *f = *state;
	struct reader_thread reader = {.fixture = f};
	pthread_t threads[5];

	write_rules(f, "always.example REJECT\n");
	open_keeper(f);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, i ? read_on : ask_on, &reader), 0);
	for (int i = 0; i < 200; i++) {
		if (i % 2)
			(void)set_rule(f, "command.example");
		else
			(void)unset_rule(f, "command.example");
		if (i % 10 == 0)
			rulekeeper_reload(f->keeper);
		if (i % 7 == 0)
			rulekeeper_each_second(f->keeper);
	}
	reader.stop = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(reader.wrong, 0);
	/* No hit is lost, however long anybody holds a set. */
	assert_int_equal(hits_of(f, "always.example"), reader.right);
}

/* No descriptor was free when the file had changed, so it is read at the next check. */
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
	rulekeeper_each_second(f->keeper);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(refuses(f, "a@old.example", false));
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "a@new.example", false));
}

UNIT_MAIN(TEST(test_absent_file_is_no_rules), TEST(test_wrong_file_is_an_error),
    TEST(test_both_sources), TEST(test_wrong_file_keeps_the_old),
    TEST(test_unchanged_file_is_left_alone), TEST(test_unreadable_for_a_moment),
    TEST(test_hits_survive_a_swap), TEST(test_hit_of_a_set_that_is_gone), TEST(test_hits_are_saved),
    TEST(test_idle_writes_nothing), TEST(test_limit_errors), TEST(test_line_numbers_are_kept),
    TEST(test_swaps_under_readers))
