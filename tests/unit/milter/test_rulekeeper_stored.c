/* SPDX-License-Identifier: ISC */
/* The rule keeper: the command's rules are in force once answered, saved or not, whatever happens
 * to their file. */
#include "tests/unit/milter/rulekeeper_fixture.h"

static void test_in_force_when_answered(void **state)
{
	struct fixture *f = *state;
	struct done done;

	open_keeper(f);
	done = set_rule(f, "Bad.Example");
	assert_true(!done.was_there && done.saved);
	assert_true(refuses(f, "a@bad.example", false));
	assert_non_null(strstr(text_of(f->stored), "\nbad.example REJECT ; at="));
	done = set_rule(f, "bad.example");
	assert_true(done.was_there && done.saved);
	(void)set_rule(f, "worse.example");
	assert_int_equal(status_int(f, "rules"), 2);
	done = unset_rule(f, "BAD.example.");
	assert_true(done.was_there && done.saved);
	assert_false(refuses(f, "a@bad.example", false));
	done = unset_rule(f, "bad.example");
	assert_true(!done.was_there && done.saved);
	open_again(f);
	assert_true(refuses(f, "a@worse.example", false));
	assert_int_equal(status_int(f, "rules"), 1);
}

/* All members of a rule survive a restart. */
static void test_whole_rule(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)change(f, "{\"do\":\"rule-set\",\"pattern\":\"/a b/i\",\"action\":\"DEFER\","
			"\"text\":\"4.7.0 later ; at=1\",\"expires\":4000000000,"
			"\"author\":\"uid 7\",\"reason\":\"ticket 17; x\"}");
	for (int turn = 0; turn < 2; turn++) {
		struct json *reply = ask(f, "{\"do\":\"rules\"}");
		const struct json *r = json_at(reply, "rules", 0);

		assert_string_equal(json_text(r, "pattern"), "/a b/i");
		assert_string_equal(json_text(r, "action"), "DEFER");
		assert_string_equal(json_text(r, "status"), "4.7.0");
		assert_string_equal(json_text(r, "text"), "later ; at=1");
		assert_string_equal(json_text(r, "author"), "uid 7");
		assert_string_equal(json_text(r, "reason"), "ticket 17; x");
		assert_int_equal(json_int(r, "expires", 0), 4000000000);
		assert_true(json_int(r, "set_time", 0) > 1700000000);
		json_free(reply);
		open_again(f);
	}
}

static void test_nonsense_is_refused(void **state)
{
	static const char *const requests[] = {"{}", "{\"do\":\"rule\"}", "{\"do\":\"rule-set\"}",
	    "{\"do\":\"rule-unset\"}", "{\"do\":\"rule-unset\",\"pattern\":\"\"}",
	    "{\"do\":\"rule-set\",\"pattern\":\"/(/\",\"action\":\"OK\"}",
	    "{\"do\":\"rules\",\"from\":-1}"};
	struct fixture *f = *state;

	open_keeper(f);
	for (size_t i = 0; i < COUNT_OF(requests); i++)
		case_assert(requests[i], !ask(f, requests[i]));
	assert_int_equal(status_int(f, "rules"), 0);
	assert_null(text_of(f->stored));
}

/* A full disk does not stop a block, which is saved as soon as possible. */
static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct json *told;
	struct done done;

	open_keeper(f);
	(void)set_rule(f, "old.example");
	let_grow(10);
	done = set_rule(f, "bad.example");
	assert_false(done.saved);
	assert_true(refuses(f, "a@bad.example", false));
	done = unset_rule(f, "old.example");
	assert_true(done.was_there && !done.saved);
	assert_false(refuses(f, "a@old.example", false));
	done = set_rule(f, "bad.example");
	assert_true(done.was_there && !done.saved);
	rulekeeper_each_second(f->keeper);
	assert_false(is_saved(f));
	told = status(f);
	assert_non_null(strstr(json_text(told, "rules_stored_error"), "failed to write"));
	json_free(told);
	assert_non_null(strstr(text_of(f->stored), "old.example"));

	let_grow(RLIM_INFINITY);
	rulekeeper_each_second(f->keeper);
	assert_true(is_saved(f));
	told = status(f);
	assert_null(json_text(told, "rules_stored_error"));
	json_free(told);
	open_again(f);
	assert_true(refuses(f, "a@bad.example", false));
	assert_false(refuses(f, "a@old.example", false));
}

/* An admin's edits while the file could not be written are kept, and so are the command's
 * changes. */
static void test_edited_while_it_could_not_be_saved(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)set_rule(f, "old.example");
	(void)set_rule(f, "other.example");
	let_grow(10);
	(void)set_rule(f, "bad.example");
	(void)unset_rule(f, "old.example");
	let_grow(RLIM_INFINITY);
	write_file(f->stored, "old.example REJECT\nadmin.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	for (int turn = 0; turn < 2; turn++) {
		assert_true(refuses(f, "a@bad.example", false));
		assert_true(refuses(f, "a@admin.example", false));
		assert_false(refuses(f, "a@old.example", false));
		assert_false(refuses(f, "a@other.example", false));
		assert_true(is_saved(f));
		open_again(f);
	}
}

static void test_edited_by_hand(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)set_rule(f, "bad.example");
	write_file(f->stored, "hand.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "a@hand.example", false));
	assert_false(refuses(f, "a@bad.example", false));
	/* Also if it changed within the second of a block. */
	write_file(f->stored, "# mine\nother.example REJECT\n");
	(void)set_rule(f, "bad.example");
	assert_true(refuses(f, "a@other.example", false));
	assert_true(refuses(f, "a@bad.example", false));
	assert_non_null(strstr(text_of(f->stored), "# mine\nother.example REJECT"));
	/* Removed on purpose. */
	unlink(f->stored);
	rulekeeper_each_second(f->keeper);
	assert_int_equal(status_int(f, "rules"), 0);
}

/* A question is answered from the files as they are now, and those rules are then in force. */
static void test_asked_at_once(void **state)
{
	struct fixture *f = *state;
	struct json *reply;

	open_keeper(f);
	write_rules(f, "file.example REJECT\n");
	write_file(f->stored, "hand.example REJECT\n");
	reply = ask(f, "{\"do\":\"rules\"}");
	assert_int_equal(json_count(reply, "rules"), 2);
	json_free(reply);
	assert_true(refuses(f, "a@file.example", false));
	assert_true(refuses(f, "a@hand.example", false));
}

/* A damaged line is reported, the others are in force, and it survives a rewriting of the file. */
static void test_damaged_line(void **state)
{
	struct fixture *f = *state;

	write_file(f->stored, "bad.example REJECT\nrubbish from a disk\nworse.example REJECT\n");
	open_keeper(f);
	assert_int_equal(status_int(f, "rules"), 2);
	assert_int_equal(status_int(f, "rules_damaged"), 1);
	(void)set_rule(f, "new.example");
	assert_non_null(strstr(text_of(f->stored), "\nrubbish from a disk\n"));
	assert_non_null(strstr(text_of(f->stored), "\nbad.example REJECT"));
	rulekeeper_reload(f->keeper);
	assert_int_equal(status_int(f, "rules_damaged"), 1);
	assert_int_equal(status_int(f, "rules"), 3);
}

/* An unreadable file is not overwritten. Changes made meanwhile are applied on top later. */
static void test_unreadable_stored(void **state)
{
	struct fixture *f = *state;
	struct done done;

	assert_int_equal(mkdir(f->stored, 0700), 0);
	open_keeper(f);
	done = set_rule(f, "bad.example");
	assert_false(done.saved);
	assert_true(refuses(f, "a@bad.example", false));
	assert_int_equal(rmdir(f->stored), 0);
	write_file(f->stored, "old.example REJECT\n");
	rulekeeper_each_second(f->keeper);
	assert_true(is_saved(f));
	open_again(f);
	assert_true(refuses(f, "a@bad.example", false));
	assert_true(refuses(f, "a@old.example", false));
}

/* The directory is lost, so nobody removed the rules on purpose. They are written into the next
 * one. */
static void test_directory_lost(void **state)
{
	struct fixture *f = *state;
	char away[100];

	open_keeper(f);
	(void)set_rule(f, "bad.example");
	snprintf(away, sizeof(away), "%s.away", f->state);
	assert_int_equal(rename(f->state, away), 0);
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "a@bad.example", false));
	assert_false(is_saved(f));
	assert_false(set_rule(f, "worse.example").saved);
	assert_int_equal(mkdir(f->state, 0700), 0);
	rulekeeper_each_second(f->keeper);
	assert_true(is_saved(f));
	open_again(f);
	assert_true(refuses(f, "a@bad.example", false));
	assert_true(refuses(f, "a@worse.example", false));
	snprintf(away, sizeof(away), "%s.away/rules", f->state);
	unlink(away);
	snprintf(away, sizeof(away), "%s.away", f->state);
	rmdir(away);
}

/* There never was one: rules are in force, and reported as unsaved. */
static void test_no_directory(void **state)
{
	struct fixture *f = *state;

	rmdir(f->state);
	open_keeper(f);
	assert_true(is_saved(f));
	assert_false(set_rule(f, "bad.example").saved);
	assert_true(refuses(f, "a@bad.example", false));
	assert_int_equal(mkdir(f->state, 0700), 0);
	rulekeeper_each_second(f->keeper);
	assert_true(is_saved(f));
}

static int64_t now_wall, now_steady;

static int64_t wall(void)
{
	return now_wall;
}

static int64_t steady(void)
{
	return now_steady;
}

/* It stops matching, and being listed, in its second; it leaves the file later. */
static void test_expiry(void **state)
{
	struct fixture *f = *state;

	now_wall = 1764000000 * USEC_PER_SEC;
	now_steady = 1000 * USEC_PER_SEC;
	clock_inject(wall, steady);
	open_keeper(f);
	(void)change(f, "{\"do\":\"rule-set\",\"pattern\":\"bad.example\",\"action\":\"REJECT\","
			"\"expires\":1764000010}");
	(void)set_rule(f, "other.example");
	rulekeeper_each_second(f->keeper);
	assert_true(refuses(f, "a@bad.example", true));
	now_wall = 1764000010 * USEC_PER_SEC;
	assert_false(refuses(f, "a@bad.example", false));
	assert_int_equal(hits_of(f, "bad.example"), -1);
	assert_int_equal(status_int(f, "rules"), 1);
	assert_non_null(strstr(text_of(f->stored), "bad.example"));
	/* Setting it anew replaces nothing, and counts from zero. */
	assert_false(unset_rule(f, "bad.example").was_there);
	assert_false(set_rule(f, "bad.example").was_there);
	assert_int_equal(hits_of(f, "bad.example"), 0);
	(void)change(f, "{\"do\":\"rule-set\",\"pattern\":\"bad.example\",\"action\":\"REJECT\","
			"\"expires\":1764000020}");
	now_wall = 1764000030 * USEC_PER_SEC;
	now_steady += 100 * USEC_PER_SEC;
	rulekeeper_each_second(f->keeper);
	assert_null(strstr(text_of(f->stored), "bad.example"));
	assert_non_null(strstr(text_of(f->stored), "other.example"));
}

/* Logins that differ in case are one rule or not, by the settings. */
static void test_login_case(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)set_rule(f, "login:Bob");
	assert_true(set_rule(f, "login:bob").was_there);
	assert_int_equal(status_int(f, "rules"), 1);
	assert_true(unset_rule(f, "login:BOB").was_there);
	rulekeeper_close(f->keeper);
	f->settings.login_exact = true;
	open_keeper(f);
	(void)set_rule(f, "login:Bob");
	assert_false(set_rule(f, "login:bob").was_there);
	assert_int_equal(status_int(f, "rules"), 2);
}

/* Expressions decide in the order in which they were set, even after a restart. */
static void test_order_of_expressions(void **state)
{
	struct fixture *f = *state;

	open_keeper(f);
	(void)change(f, "{\"do\":\"rule-set\",\"pattern\":\"/^a/\",\"action\":\"OK\"}");
	(void)set_rule(f, "/@x/");
	for (int turn = 0; turn < 2; turn++) {
		assert_false(refuses(f, "a@x.example", false));
		open_again(f);
	}
	/* Set anew, it comes last. */
	(void)change(f, "{\"do\":\"rule-set\",\"pattern\":\"/^a/\",\"action\":\"OK\"}");
	for (int turn = 0; turn < 2; turn++) {
		assert_true(refuses(f, "a@x.example", false));
		open_again(f);
	}
}

UNIT_MAIN(TEST(test_in_force_when_answered), TEST(test_whole_rule), TEST(test_nonsense_is_refused),
    TEST(test_full_disk), TEST(test_edited_while_it_could_not_be_saved), TEST(test_edited_by_hand),
    TEST(test_asked_at_once), TEST(test_damaged_line), TEST(test_unreadable_stored),
    TEST(test_directory_lost), TEST(test_no_directory), TEST(test_expiry), TEST(test_login_case),
    TEST(test_order_of_expressions))
