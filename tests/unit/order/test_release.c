/* SPDX-License-Identifier: ISC */
/* Release and undo: only what our batches hold, by queue ID and arrival time. */
#include "tests/unit/order/walk.h"

#include "base/clock.h"

static void hold_all(struct walk *w)
{
	open_walk(w, ACTION_HOLD);
	fill(w, QUEUE_DEFERRED);
	run_domain(w);
	assert_int_equal(results(w, RESULT_DONE), MAILS);
	w->order.action = ACTION_RELEASE;
	w->order.verb = "release";
	w->order.overdue = true;
}

static void undo(struct walk *w, const uint64_t *numbers, size_t count)
{
	w->order.verb = "undo";
	w->order.undo = numbers;
	w->order.undo_count = count;
}

/* Mail held by others stays, unless asked for. */
static void test_foreign(void **state)
{
	struct queue_id theirs;
	struct walk w;

	(void)state;
	hold_all(&w);
	theirs = add(&w, QUEUE_HOLD, 20);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(w.outcome.foreign, 1);
	assert_true(lies_in(&w, QUEUE_HOLD, &theirs));
	/* Once released, it is no longer ours. */
	for (size_t n = 0; n < MAILS; n++) {
		char from[256], to[256];

		rig_path(&w.rig, QUEUE_DEFERRED, &w.ids[n], from);
		rig_path(&w.rig, QUEUE_HOLD, &w.ids[n], to);
		assert_int_equal(rename(from, to), 0);
	}
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 0);
	assert_int_equal(w.outcome.foreign, MAILS + 1);
	w.order.foreign = true;
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_int_equal(w.outcome.foreign, 0);
	close_walk(&w);
}

/* The limit counts only after mail held by others was left out. */
static void test_foreign_and_limit(void **state)
{
	struct queue_id theirs;
	struct walk w;

	(void)state;
	hold_all(&w);
	theirs = add(&w, QUEUE_HOLD, -20); /* the oldest */
	w.order.limit = 2;
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 2);
	assert_true(lies_in(&w, QUEUE_HOLD, &theirs));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[0]));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[1]));
	close_walk(&w);
}

/* maximal_queue_lifetime is five days here. */
static void test_overdue(void **state)
{
	struct queue_id young;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	young = rig_mail(&w.rig, QUEUE_DEFERRED, clock_wall() - 60 * USEC_PER_SEC);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	w.order.action = ACTION_RELEASE;
	w.order.verb = "release";
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	assert_int_equal(results(&w, RESULT_FAILED), MAILS);
	assert_int_equal(w.outcome.overdue, MAILS);
	assert_false(lies_in(&w, QUEUE_HOLD, &young));
	assert_non_null(strstr(w.outcome.items[0].reason, "maximal_queue_lifetime"));
	/* Requeued, they go out at any age. */
	w.order.action = ACTION_REQUEUE;
	rig_postsuper(&w.rig, "while read -r id; do mv $(find $id) maildrop/ &&\n"
			      "say $id: requeued; done");
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(w.outcome.overdue, 0);
	close_walk(&w);
}

static void test_lifetime(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {{"5d", 5 * INT64_C(86400000000)}, {"36h", 36 * INT64_C(3600000000)},
	    {"5", 5 * INT64_C(86400000000)}, {"0", 0}, {"x", ERR_SYNTAX}, {"", ERR_SYNTAX}};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		int64_t got = 0;
		int code = order_parse_lifetime(cases[n].text, &got);

		case_assert(cases[n].text, cases[n].want < 0 ? code < 0 : code == 0);
		case_assert(cases[n].text, code < 0 || got == cases[n].want);
	}
}

/* ---- undo */

static void test_undo(void **state)
{
	static const uint64_t first[] = {1}, both[] = {1, 2};
	struct batches batches;
	struct queue_id late;
	struct walk w;

	(void)state;
	hold_all(&w);
	late = add(&w, QUEUE_DEFERRED, 20);
	w.order.action = ACTION_HOLD;
	w.order.verb = "hold";
	run(&w); /* batch 2 holds later arrivals */
	assert_int_equal(results(&w, RESULT_DONE), 1);
	w.order.action = ACTION_RELEASE;
	undo(&w, first, 1);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_true(lies_in(&w, QUEUE_HOLD, &late));
	for (size_t n = 0; n < MAILS; n++) {
		struct message m = candidate_message(w.outcome.items[n].candidate);

		assert_string_equal(m.queue_id.text, w.ids[n].text); /* the oldest first */
		assert_string_equal(message_sender(&m), "a@bad.example");
	}
	newest(&w, &batches);
	assert_string_equal(batches.list[0].verb, "undo");
	assert_int_equal(batches.list[2].state, ACCOUNT_UNDONE);
	assert_int_equal(batches.list[1].state, ACCOUNT_DONE);
	batches_release(&batches);
	/* A second undo finds nothing left. */
	run(&w);
	assert_int_equal(w.outcome.count, 0);
	assert_non_null(strstr(w.outcome.note.text, "undone already, last by batch 3"));
	undo(&w, both, 2);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	assert_false(lies_in(&w, QUEUE_HOLD, &late));
	close_walk(&w);
}

/* Mail held again by a later batch stays; deleted mail is gone. */
static void test_undo_what_is_left(void **state)
{
	static const uint64_t first[] = {1};
	char from[256], to[256];
	struct walk w;

	(void)state;
	hold_all(&w);
	remove_file(&w, QUEUE_HOLD, &w.ids[0]);
	rig_path(&w.rig, QUEUE_HOLD, &w.ids[1], from);
	rig_path(&w.rig, QUEUE_DEFERRED, &w.ids[1], to);
	assert_int_equal(rename(from, to), 0); /* released by hand, and held again */
	w.order.action = ACTION_HOLD;
	w.order.verb = "hold";
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	w.order.action = ACTION_RELEASE;
	undo(&w, first, 1);
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS - 2);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_true(lies_in(&w, QUEUE_HOLD, &w.ids[1]));
	assert_non_null(strstr(w.outcome.note.text, "1 message was held by a later batch"));
	close_walk(&w);
}

/* A message is its ID and its arrival time: a restored file is the same message, another file with
 * its ID is not, whatever its sender. */
static void test_undo_by_arrival(void **state)
{
	static const uint64_t first[] = {1};
	struct bytes file = {0};
	struct queue_id copy, other;
	char from[256], to[256];
	struct walk w;

	(void)state;
	for (int index = 1; index >= 0; index--) {
		hold_all(&w);
		copy = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL); /* the first, on a new inode */
		rig_path(&w.rig, QUEUE_DEFERRED, &copy, from);
		rig_path(&w.rig, QUEUE_HOLD, &w.ids[0], to);
		assert_int_equal(rename(from, to), 0);
		bytes_clear(&file);
		rig_envelope(&file, ARRIVAL + 1, "a@bad.example");
		other = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
		rig_path(&w.rig, QUEUE_DEFERRED, &other, from);
		rig_path(&w.rig, QUEUE_HOLD, &w.ids[1], to);
		assert_int_equal(rename(from, to), 0);
		if (!index)
			w.settings.index_directory = (char *)"/nonexistent";
		undo(&w, first, 1);
		run(&w);
		assert_int_equal(results(&w, RESULT_DONE), MAILS - 1);
		assert_int_equal(results(&w, RESULT_CHANGED), 1);
		assert_true(lies_in(&w, QUEUE_HOLD, &w.ids[1]));
		close_walk(&w);
	}
	bytes_release(&file);
}

static void test_no_such_batch(void **state)
{
	static const struct {
		uint64_t number;
		const char *want;
	} cases[] = {{7, "there is no batch 7"}, {2, "batch 2 deleted its messages"},
	    {3, "batch 3 is a 'release'"}};
	struct queue_id gone;
	struct walk w;

	(void)state;
	hold_all(&w);
	gone = add(&w, QUEUE_DEFERRED, 30);
	w.order.action = ACTION_DELETE;
	w.order.verb = "purge";
	w.selector.ids_given = true;
	assert_int_equal(selector_add_id(&w.selector, &gone), 0);
	run(&w);
	w.selector.ids_given = false;
	w.selector.ids.count = 0;
	w.order.action = ACTION_RELEASE;
	w.order.verb = "release";
	w.order.limit = 1;
	run(&w);
	w.order.limit = 0;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		undo(&w, &cases[n].number, 1);
		case_assert(cases[n].want, order_run(&w.order, &w.outcome, &w.err) == ERR_USAGE);
		case_assert(cases[n].want, strstr(w.err.text, cases[n].want) != NULL);
	}
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_foreign), cmocka_unit_test(test_foreign_and_limit),
    cmocka_unit_test(test_overdue), cmocka_unit_test(test_lifetime), cmocka_unit_test(test_undo),
    cmocka_unit_test(test_undo_what_is_left), cmocka_unit_test(test_undo_by_arrival),
    cmocka_unit_test(test_no_such_batch))
