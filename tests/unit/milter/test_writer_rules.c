/* SPDX-License-Identifier: ISC */
/* The command's requests: in force when answered, saved or not. */
#include "tests/unit/milter/writer_fixture.h"

static void answered(void *arg, struct span frame)
{
	struct fixture *f = arg;

	assert_int_equal(reply_decode(frame, &f->reply), 0);
	snprintf(f->reply_text, sizeof(f->reply_text), "%s", f->reply.text);
	f->rules_when_answered = f->rules;
	f->answers++;
}

static void ask(struct fixture *f, struct bytes *request)
{
	int before = f->answers;

	assert_int_equal(writer_request(f->writer, bytes_span(request), answered, f), 0);
	WAIT_FOR(f->answers == before + 1);
	bytes_release(request);
}

static void set_rule(struct fixture *f, const char *subject)
{
	struct bytes request = {0};
	struct rule rule;

	assert_int_equal(rule_make(subject, RULE_REJECT, NULL, &rule, NULL), 0);
	request_rule_set(&request, &rule);
	rule_release(&rule);
	ask(f, &request);
}

static void unset_rule(struct fixture *f, const char *subject)
{
	struct bytes request = {0};

	request_rule_unset(&request, subject);
	ask(f, &request);
}

static void test_rule_is_in_force_when_answered(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(f->rules, 0);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_int_equal(f->reply.value, 0);
	assert_true(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.value, 1); /* replaced */
	assert_int_equal(f->rules_when_answered, 1);
	set_rule(f, "worse.example");
	assert_int_equal(f->rules_when_answered, 2);
	unset_rule(f, "bad.example");
	assert_int_equal(f->reply.value, 1);
	assert_int_equal(f->rules_when_answered, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
	start(f);
	assert_int_equal(f->rules, 1);
}

static void test_rule_that_cannot_be_saved(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	set_rule(f, "old.example");
	faults.fail_code = ERR_FULL;
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_false(f->reply.saved);
	assert_true(f->reply_text[0] != '\0');
	assert_int_equal(f->rules_when_answered, 2);
	unset_rule(f, "old.example");
	assert_int_equal(f->reply.value, 1);
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	WAIT_FOR(strcmp(status(f, "rules_saved"), "no") == 0);

	faults.fail_code = 0;
	WAIT_FOR(strcmp(status(f, "rules_saved"), "yes") == 0);
	assert_int_equal(f->rules, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

/* What a commit that failed has read is not what is in force: the answer says what was there. */
static void test_commit_that_fails(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING;
	start(f);
	set_rule(f, "old.example");
	faults.at = FAULTS_AT_COMMIT;
	faults.fail_code = ERR_FULL;
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.value, 0); /* new */
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 2);
	unset_rule(f, "old.example");
	assert_int_equal(f->reply.value, 1);
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	faults.fail_code = 0;
	WAIT_FOR(strcmp(status(f, "rules_saved"), "yes") == 0);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

/* A rule is small: it does not wait for room for the messages that the journal holds. */
static void test_rule_without_room_for_messages(void **state)
{
	struct fixture *f = *state;

	wrapping = FAILING_BEHIND_JOURNAL;
	start(f);
	faults.at = FAULTS_AT_MESSAGE;
	faults.fail_code = ERR_FULL;
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	set_rule(f, "bad.example");
	assert_true(f->reply.saved);
	assert_int_equal(rows(f, STORE_RULE), 1);
	faults.fail_code = 0;
	stop(f);
	assert_int_equal(rows(f, STORE_MESSAGE), 1);
}

static void test_rules_without_an_index(void **state)
{
	struct fixture *f = *state;

	refuse_open = 3;
	start(f);
	set_rule(f, "bad.example");
	assert_int_equal(f->reply.code, 0);
	assert_false(f->reply.saved);
	assert_int_equal(f->rules_when_answered, 1);
	WAIT_FOR(strcmp(status(f, "rules_saved"), "yes") == 0 &&
		 strcmp(status(f, "recording"), "yes") == 0);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

static void test_rules_survive_their_index(void **state)
{
	struct fixture *f = *state;

	start(f);
	set_rule(f, "bad.example");
	remove_directory(f->directory);
	WAIT_FOR(record(f, 1) == WRITER_RECORDED);
	assert_int_equal(f->rules, 1);
	stop(f);
	assert_int_equal(rows(f, STORE_RULE), 1);
}

static void test_malformed_requests(void **state)
{
	struct fixture *f = *state;
	struct bytes request = {0};

	start(f);
	bytes_put(&request, "\1\0\6\0rubbish", 11);
	ask(f, &request);
	assert_true(f->reply.code < 0);
	bytes_put(&request, "", 0);
	ask(f, &request);
	assert_true(f->reply.code < 0);
	assert_int_equal(record(f, 1), WRITER_RECORDED);
	assert_int_equal(f->rules, 0);
}

/* The saved hits of all rules. */
static unsigned hits(const struct fixture *f)
{
	struct store *store = reopen(f);
	struct rule_list rules = {0};
	uint64_t damaged = 0;
	unsigned sum = 0;
	struct txn txn;

	assert_int_equal(txn_begin(store, false, &txn), 0);
	assert_int_equal(rulebook_load(&txn, clock_wall(), &rules, &damaged, NULL), 0);
	txn_abort(&txn);
	store_close(store);
	for (size_t i = 0; i < rules.count; i++)
		sum += (unsigned)rules.list[i].hits;
	rule_list_release(&rules);
	return sum;
}

static void test_hits_are_saved(void **state)
{
	struct fixture *f = *state;

	start(f);
	set_rule(f, "bad.example");
	stop(f);
	f->hits_to_save = 7;
	start(f);
	WAIT_FOR(f->hits_to_save == 0);
	stop(f);
	assert_int_equal(hits(f), 7);
}

/* Those of the last second. */
static void test_hits_are_saved_at_the_stop(void **state)
{
	struct fixture *f = *state;

	start(f);
	set_rule(f, "bad.example");
	WAIT_FOR(status(f, "recording")[0] == 'y');
	f->hits_to_save = 5;
	stop(f);
	assert_int_equal(hits(f), 5);
}

UNIT_MAIN(TEST(test_rule_is_in_force_when_answered), TEST(test_rule_that_cannot_be_saved),
    TEST(test_commit_that_fails), TEST(test_rule_without_room_for_messages),
    TEST(test_rules_without_an_index), TEST(test_rules_survive_their_index),
    TEST(test_malformed_requests), TEST(test_hits_are_saved), TEST(test_hits_are_saved_at_the_stop))
