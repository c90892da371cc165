/* SPDX-License-Identifier: ISC */
/* postsuper's report combined with a later look. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "order/order_private.h"

enum { AGAIN = 100, WAIT }; /* in addition to enum result */

static void test_table(void **state)
{
	static const struct {
		const char *name;
		enum action action;
		bool said, last;
		uint8_t after, queue;
		int want;
	} cases[] = {
	    {"deleted", ACTION_DELETE, true, false, PROOF_GONE, 0, RESULT_DONE},
	    {"deleted, and the ID used again", ACTION_DELETE, true, false, PROOF_CHANGED,
		QUEUE_INCOMING, RESULT_DONE},
	    {"deleted, and perhaps used again", ACTION_DELETE, true, false, PROOF_UNPROVEN,
		QUEUE_INCOMING, RESULT_DONE},
	    {"a lie", ACTION_DELETE, true, false, PROOF_SAME, QUEUE_ACTIVE, RESULT_FAILED},
	    {"said, and unreadable", ACTION_DELETE, true, false, PROOF_ERROR, QUEUE_ACTIVE,
		RESULT_FAILED},
	    {"gone without a word", ACTION_DELETE, false, false, PROOF_GONE, 0, RESULT_GONE},
	    {"changed without a word", ACTION_DELETE, false, false, PROOF_CHANGED, QUEUE_ACTIVE,
		RESULT_CHANGED},
	    {"unproven without a word", ACTION_DELETE, false, false, PROOF_UNPROVEN, QUEUE_ACTIVE,
		RESULT_UNPROVEN},
	    {"not seen", ACTION_DELETE, false, false, PROOF_SAME, QUEUE_ACTIVE, AGAIN},
	    {"not seen twice", ACTION_DELETE, false, true, PROOF_SAME, QUEUE_ACTIVE, RESULT_FAILED},
	    {"arriving", ACTION_DELETE, false, false, PROOF_ARRIVING, QUEUE_INCOMING, WAIT},
	    {"unreadable", ACTION_DELETE, false, false, PROOF_ERROR, QUEUE_ACTIVE, RESULT_FAILED},

	    {"held", ACTION_HOLD, true, false, PROOF_SAME, QUEUE_HOLD, RESULT_DONE},
	    {"held, a lie", ACTION_HOLD, true, false, PROOF_SAME, QUEUE_DEFERRED, RESULT_FAILED},
	    {"held, then deleted by others", ACTION_HOLD, true, false, PROOF_GONE, 0, RESULT_GONE},
	    {"held by others", ACTION_HOLD, false, false, PROOF_SAME, QUEUE_HOLD, RESULT_EXCLUDED},
	    {"delivered before it was held", ACTION_HOLD, false, false, PROOF_GONE, 0, RESULT_GONE},
	    {"not held", ACTION_HOLD, false, true, PROOF_SAME, QUEUE_ACTIVE, RESULT_FAILED},
	    {"not held at first", ACTION_HOLD, false, false, PROOF_SAME, QUEUE_ACTIVE, AGAIN},

	    {"released", ACTION_RELEASE, true, false, PROOF_SAME, QUEUE_DEFERRED, RESULT_DONE},
	    {"released, already in delivery", ACTION_RELEASE, true, false, PROOF_SAME, QUEUE_ACTIVE,
		RESULT_DONE},
	    {"released, already delivered", ACTION_RELEASE, true, false, PROOF_GONE, 0,
		RESULT_DONE},
	    {"released, a lie", ACTION_RELEASE, true, false, PROOF_SAME, QUEUE_HOLD, RESULT_FAILED},
	    {"released by others", ACTION_RELEASE, false, false, PROOF_SAME, QUEUE_DEFERRED,
		RESULT_EXCLUDED},
	    {"not released", ACTION_RELEASE, false, true, PROOF_SAME, QUEUE_HOLD, RESULT_FAILED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct outcome outcome = {0};
		struct item item = {.result = RESULT_READY};
		struct proof after = {
		    .state = cases[n].after, .queue = cases[n].queue, .error = -5};
		enum settled settled = order_settle(&action_rows[cases[n].action], &outcome, &item,
		    &after, cases[n].said, cases[n].last, "");
		int got = settled == SETTLE_AGAIN  ? AGAIN
			  : settled == SETTLE_WAIT ? WAIT
						   : (int)item.result;

		if (got != cases[n].want)
			case_fail(cases[n].name, "got %d, want %d", got, cases[n].want);
		case_assert(cases[n].name, (item.result == RESULT_FAILED) == (item.reason != NULL));
		outcome_release(&outcome);
	}
}

/* Another queue has the same message in another file, as after a backup was restored. */
static void test_copy(void **state)
{
	static const struct {
		const char *name;
		enum action action;
		bool said;
		uint8_t after;
		int64_t arrival;
		uint64_t inode; /* that of the file acted on is 1 */
		int want;
	} cases[] = {
	    {"a copy", ACTION_DELETE, true, PROOF_UNPROVEN, 7, 2, AGAIN},
	    {"a copy, with another sender", ACTION_DELETE, true, PROOF_CHANGED, 7, 2, AGAIN},
	    {"a copy, and the row is its own", ACTION_DELETE, true, PROOF_SAME, 7, 2, AGAIN},
	    {"still there", ACTION_DELETE, true, PROOF_SAME, 7, 1, RESULT_FAILED},
	    {"the ID used again", ACTION_DELETE, true, PROOF_CHANGED, 8, 2, RESULT_DONE},
	    {"a file without a time", ACTION_DELETE, true, PROOF_CHANGED, -1, 2, RESULT_DONE},
	    {"not said", ACTION_DELETE, false, PROOF_CHANGED, 7, 2, RESULT_CHANGED},
	    {"held", ACTION_HOLD, true, PROOF_CHANGED, 7, 2, RESULT_CHANGED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct outcome outcome = {0};
		struct item item = {
		    .result = RESULT_READY, .proof = {.arrival_time = 7, .inode = 1}};
		struct proof after = {.state = cases[n].after,
		    .queue = QUEUE_HOLD,
		    .arrival_time = cases[n].arrival,
		    .inode = cases[n].inode};
		enum settled settled = order_settle(&action_rows[cases[n].action], &outcome, &item,
		    &after, cases[n].said, false, "");
		int got = settled == SETTLE_AGAIN ? AGAIN : (int)item.result;

		if (got != cases[n].want)
			case_fail(cases[n].name, "got %d, want %d", got, cases[n].want);
		case_assert(cases[n].name, item.copied == (got == AGAIN));
		outcome_release(&outcome);
	}
}

/* A directory that Postfix cannot search does not hide mail that was elsewhere before. */
static void test_hidden(void **state)
{
	static const struct {
		const char *name;
		enum action action;
		bool said;
		int error, want;
	} cases[] = {
	    {"deleted", ACTION_DELETE, true, -EACCES, RESULT_DONE},
	    {"released", ACTION_RELEASE, true, -EACCES, RESULT_DONE},
	    {"gone without a word", ACTION_DELETE, false, -EACCES, RESULT_GONE},
	    {"another error", ACTION_DELETE, true, -EIO, RESULT_FAILED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct outcome outcome = {0};
		struct item item = {.result = RESULT_READY};
		struct proof after = {.state = PROOF_ERROR, .error = cases[n].error};

		case_assert(cases[n].name, order_settle(&action_rows[cases[n].action], &outcome,
					       &item, &after, cases[n].said, false, "") == SETTLED);
		case_assert(cases[n].name, (int)item.result == cases[n].want);
		outcome_release(&outcome);
	}
}

static void test_reasons(void **state)
{
	const struct action_row *row = &action_rows[ACTION_HOLD];
	struct outcome outcome = {0};
	struct item item = {0};
	struct proof after = {.state = PROOF_SAME, .queue = QUEUE_ACTIVE};

	(void)state;
	order_settle(row, &outcome, &item, &after, false, true, "fatal: not for you");
	assert_string_equal(item.reason, "fatal: not for you");
	order_settle(row, &outcome, &item, &after, false, true, "");
	assert_string_equal(item.reason, "postsuper did not see the message");
	after.queue = QUEUE_MAILDROP;
	order_settle(row, &outcome, &item, &after, false, true, "");
	assert_non_null(strstr(item.reason, "maildrop"));
	after.state = PROOF_ERROR;
	after.error = -13;
	order_settle(row, &outcome, &item, &after, false, true, "");
	assert_non_null(strstr(item.reason, "Permission denied"));
	after.error = ERR_SYNTAX;
	order_settle(row, &outcome, &item, &after, false, true, "");
	assert_non_null(strstr(item.reason, "damaged"));
	assert_int_equal(outcome.memory.words.count, 5);
	order_settle(row, &outcome, &item, &after, false, true, "");
	assert_int_equal(outcome.memory.words.count, 5); /* kept once */
	outcome_release(&outcome);
}

/* The account needs the file's own words after the file is gone. */
static void test_last_look_is_kept(void **state)
{
	const struct action_row *row = &action_rows[ACTION_DELETE];
	struct outcome outcome = {0};
	struct item item = {.proof = {.state = PROOF_SAME, .arrival_time = 7, .inode = 9}};
	struct proof after = {.state = PROOF_GONE, .arrival_time = -1};

	(void)state;
	order_settle(row, &outcome, &item, &after, true, false, "");
	assert_int_equal(item.proof.arrival_time, 7);
	assert_int_equal(item.proof.inode, 9);
	outcome_release(&outcome);
}

static void test_words(void **state)
{
	static const struct {
		enum result result;
		enum action action;
		const char *want;
	} cases[] = {
	    {RESULT_DONE, ACTION_DELETE, "deleted"},
	    {RESULT_DONE, ACTION_HOLD, "held"},
	    {RESULT_DONE, ACTION_RELEASE, "released"},
	    {RESULT_READY, ACTION_DELETE, "would-delete"},
	    {RESULT_READY, ACTION_HOLD, "would-hold"},
	    {RESULT_READY, ACTION_RELEASE, "would-release"},
	    {RESULT_GONE, ACTION_DELETE, "gone"},
	    {RESULT_CHANGED, ACTION_HOLD, "changed"},
	    {RESULT_UNPROVEN, ACTION_DELETE, "unproven"},
	    {RESULT_FAILED, ACTION_RELEASE, "failed"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		assert_string_equal(result_word(cases[n].result, cases[n].action), cases[n].want);
}

UNIT_MAIN(cmocka_unit_test(test_table), cmocka_unit_test(test_copy), cmocka_unit_test(test_hidden),
    cmocka_unit_test(test_reasons), cmocka_unit_test(test_last_look_is_kept),
    cmocka_unit_test(test_words))
