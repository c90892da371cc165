/* SPDX-License-Identifier: ISC */
/* The account of a killed command, and the later command that takes its work up. */
#include "tests/unit/order/account.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "order/account/account_log.h"

/* ---- kill -9 */

static void test_killed_purge(void **state)
{
	struct batches batches;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_DELETE);
	assert_int_equal(newest(&w, &batches)->state, ACCOUNT_UNFINISHED);
	assert_false(batches.list[0].running);
	assert_int_equal(batches.list[0].done, MAILS);
	assert_string_equal(batches.list[0].verb, "purge");
	batches_release(&batches);
	/* The next purge is another batch. */
	w.ids[0] = add(&w, QUEUE_DEFERRED, 1);
	run(&w);
	assert_int_equal(w.outcome.tally.batch, 2);
	close_walk(&w);
}

/* What the next purge finds was not deleted by the killed one. */
static void test_killed_before_it_deleted(void **state)
{
	struct batches batches;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	ask_for(&w, &w.selector.author, "bad.example");
	run_killed_after(&w, "true");
	assert_int_equal(newest(&w, &batches)->done, 0);
	batches_release(&batches);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(newest(&w, &batches)->done, MAILS);
	assert_int_equal(batches.list[1].done, 0);
	batches_release(&batches);
	close_walk(&w);
}

static void test_killed_hold_is_undone(void **state)
{
	struct batches batches;
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	assert_int_equal(newest(&w, &batches)->state, ACCOUNT_UNFINISHED);
	assert_int_equal(batches.list[0].done, MAILS);
	batches_release(&batches);
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	for (size_t n = 0; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	newest(&w, &batches);
	assert_int_equal(batches.count, 2);
	assert_int_equal(batches.list[1].state, ACCOUNT_UNDONE);
	batches_release(&batches);
	close_walk(&w);
}

/* Its postsuper outlives it, and undo waits for it. */
static void test_undo_awaits_an_orphan(void **state)
{
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	ask_for(&w, &w.selector.author, "bad.example");
	run_killed_after(&w, "(sleep 1; mv deferred/* hold/) & :");
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	for (size_t n = 0; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	close_walk(&w);
}

/* A second hold adopts the batch of the first, which held a part. */
static void test_killed_hold_is_adopted(void **state)
{
	struct batches batches;
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	/* Held by hand in the meantime, so not ours. */
	(void)add(&w, QUEUE_HOLD, 20);
	for (int n = 0; n < 3; n++)
		(void)add(&w, QUEUE_DEFERRED, 30 + n);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 3);
	assert_int_equal(w.outcome.tally.batch, 1);
	assert_int_equal(newest(&w, &batches)->state, ACCOUNT_DONE);
	assert_int_equal(batches.count, 1);
	assert_int_equal(batches.list[0].done, MAILS + 3);
	batches_release(&batches);
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 3);
	close_walk(&w);
}

/* The postsuper of a killed command goes on, and ends while the next hold is at work. */
static void test_orphan(void **state)
{
	struct batches batches;
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	ask_for(&w, &w.selector.author, "bad.example");
	run_killed_after(&w, "true");
	rig_postsuper(&w.rig, "honest; mv deferred/* hold/");
	w.order.limit = 1;
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	assert_int_equal(newest(&w, &batches)->done, MAILS);
	assert_int_equal(batches.count, 1);
	batches_release(&batches);
	rig_postsuper(&w.rig, "honest");
	w.order.limit = 0;
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	close_walk(&w);
}

/* A hold with another selector is not adopted. */
static void test_not_adopted(void **state)
{
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	(void)add(&w, QUEUE_DEFERRED, 30);
	w.order.selector_text = "other.example";
	run(&w);
	assert_int_equal(w.outcome.tally.batch, 2);
	close_walk(&w);
}

/* An order of the fleet is undone by its token, so it keeps its own batch. */
static void test_another_token(void **state)
{
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	(void)add(&w, QUEUE_DEFERRED, 30);
	w.order.token = "fleet:1";
	run(&w);
	assert_int_equal(w.outcome.tally.batch, 2);
	close_walk(&w);
}

static void test_undone_is_not_adopted(void **state)
{
	struct batches batches;
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	undo(&w, &number); /* batch 2 */
	w.order.action = ACTION_HOLD;
	w.order.verb = "hold";
	w.order.undo_count = 0;
	run(&w);
	assert_int_equal(w.outcome.tally.batch, 3);
	assert_int_equal(newest(&w, &batches)->done, MAILS);
	assert_int_equal(batches.list[2].state, ACCOUNT_UNDONE);
	batches_release(&batches);
	close_walk(&w);
}

/* The last record of a message says whose it is, even if a killed command did not write it. */
static void test_killed_twice(void **state)
{
	uint64_t number = 1;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	undo(&w, &number); /* batch 2 */
	w.order.action = ACTION_HOLD;
	w.order.verb = "hold";
	w.order.undo_count = 0;
	run_killed(&w);
	number = 3;
	undo(&w, &number);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	for (size_t n = 0; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	close_walk(&w);
}

/* What the second command settled for the first one counts once, although both were killed. */
static void test_adopted_is_killed(void **state)
{
	struct batches batches;
	struct walk w;

	(void)state;
	open_killed(&w, ACTION_HOLD);
	(void)add(&w, QUEUE_DEFERRED, 30);
	run_killed(&w);
	assert_int_equal(newest(&w, &batches)->done, MAILS + 1);
	assert_int_equal(batches.list[0].matched, MAILS + 1);
	batches_release(&batches);
	(void)add(&w, QUEUE_DEFERRED, 31);
	run(&w);
	assert_int_equal(newest(&w, &batches)->done, MAILS + 2);
	assert_int_equal(batches.count, 1);
	batches_release(&batches);
	close_walk(&w);
}

/* A batch whose command still runs is not adopted. */
static void test_running(void **state)
{
	struct account_entries doubt = {0};
	struct writer *writer = NULL;
	struct batches batches;
	uint64_t number = 1, done;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	assert_int_equal(writer_open(&w.order, &writer, &done, &doubt, &w.err), 0);
	assert_int_equal(newest(&w, &batches)->state, ACCOUNT_UNFINISHED);
	assert_true(batches.list[0].running);
	batches_release(&batches);
	run_domain(&w);
	assert_int_equal(w.outcome.tally.batch, 2);
	w.order.action = ACTION_RELEASE;
	w.order.undo = &number;
	w.order.undo_count = 1;
	assert_int_equal(order_run(&w.order, &w.outcome, &w.err), ERR_USAGE);
	writer_close(writer);
	assert_int_equal(newest(&w, &batches)->number, 2);
	assert_false(batches.list[1].running);
	batches_release(&batches);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_killed_purge), cmocka_unit_test(test_killed_before_it_deleted),
    cmocka_unit_test(test_killed_hold_is_undone), cmocka_unit_test(test_undo_awaits_an_orphan),
    cmocka_unit_test(test_killed_hold_is_adopted), cmocka_unit_test(test_orphan),
    cmocka_unit_test(test_not_adopted), cmocka_unit_test(test_another_token),
    cmocka_unit_test(test_undone_is_not_adopted), cmocka_unit_test(test_killed_twice),
    cmocka_unit_test(test_adopted_is_killed), cmocka_unit_test(test_running))
