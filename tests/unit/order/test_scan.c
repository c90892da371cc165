/* SPDX-License-Identifier: ISC */
/* The walk over mail that is not in the index, and over files that lie under another's ID. */
#include "tests/unit/order/walk.h"

static void open_scan(struct walk *w, enum action action)
{
	open_walk(w, action);
	w->settings.max_recipients = 100;
	w->order.scan = true;
}

static void test_scanned_mail_is_deleted(void **state)
{
	struct queue_id missed[3], innocent;
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_scan(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	for (int n = 0; n < 3; n++)
		missed[n] = rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL + 100 + n);
	rig_envelope(&file, ARRIVAL, "a@good.example");
	innocent = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	select_domain(&w);
	assert_int_equal(w.outcome.count, MAILS + 3);
	act(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 3);
	assert_int_equal(w.outcome.tally.scanned, 3);
	for (int n = 0; n < 3; n++)
		assert_false(lies_in(&w, QUEUE_HOLD, &missed[n]));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &innocent));
	order_account(&w.order, &w.outcome);
	assert_true(w.outcome.accounted);
	assert_int_equal(w.outcome.tally.batch, 1);
	bytes_release(&file);
	close_walk(&w);
}

/* The ID was reused by mail of the same sender: the recorded message has left, the one that is
 * there is judged by itself. */
static void test_file_of_another_message(void **state)
{
	struct queue_id id;
	struct message m;
	struct walk w;

	(void)state;
	open_scan(&w, ACTION_DELETE);
	id = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + 5000000);
	rig_recorded(&m, &id, ARRIVAL);
	record(&w, &m);
	select_domain(&w);
	assert_int_equal(w.outcome.count, 2);
	act(&w);
	assert_int_equal(results(&w, RESULT_DONE), 1);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_int_equal(results(&w, RESULT_UNPROVEN), 0);
	assert_false(lies_in(&w, QUEUE_DEFERRED, &id));
	close_walk(&w);
}

/* Between the scan and the deletion the ID came to name another message. */
static void test_changed_after_the_scan(void **state)
{
	struct queue_id id, other;
	struct bytes file = {0};
	char from[256], to[256];
	struct walk w;

	(void)state;
	open_scan(&w, ACTION_DELETE);
	id = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
	rig_envelope(&file, ARRIVAL, "a@good.example");
	other = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	select_domain(&w);
	assert_int_equal(w.outcome.count, 1);
	rig_path(&w.rig, QUEUE_DEFERRED, &other, from);
	rig_path(&w.rig, QUEUE_DEFERRED, &id, to);
	assert_int_equal(rename(from, to), 0);
	act(&w);
	assert_int_equal(results(&w, RESULT_CHANGED), 1);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &id));
	bytes_release(&file);
	close_walk(&w);
}

/* Mail that still arrives is not read: it is not Postfix's yet. */
static void test_arriving(void **state)
{
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_scan(&w, ACTION_DELETE);
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	(void)rig_put(&w.rig, QUEUE_INCOMING, &file, 0600);
	select_domain(&w);
	assert_int_equal(w.outcome.count, 0);
	bytes_release(&file);
	close_walk(&w);
}

/*
 * 10,000 rows, each with a file of another message under its queue ID and on its inode: one that
 * arrived a microsecond before the window of the recorded one, a microsecond behind it, or long
 * after. None may be deleted, each is `changed`.
 */
#define ADVERSARIES  10000
#define ROWS_AT_ONCE 1000

static void add_adversaries(struct walk *w, size_t first)
{
	static const int64_t distance[] = {-101, 101, 86400000000};
	struct message rows[ROWS_AT_ONCE];
	struct bytes file = {0};

	for (size_t n = 0; n < ROWS_AT_ONCE; n++) {
		int64_t arrival = ARRIVAL + (int64_t)(first + n) * 1000000;
		struct queue_id id;

		bytes_clear(&file);
		rig_envelope(&file, arrival + distance[n % COUNT_OF(distance)], "a@good.example");
		id = rig_put(&w->rig, QUEUE_DEFERRED, &file, 0700);
		rig_recorded(&rows[n], &id, arrival);
	}
	record_all(w, rows, ROWS_AT_ONCE);
	bytes_release(&file);
}

static void test_adversaries(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (size_t n = 0; n < ADVERSARIES; n += ROWS_AT_ONCE)
		add_adversaries(&w, n);
	select_domain(&w);
	assert_int_equal(w.outcome.count, ADVERSARIES);
	act(&w);
	assert_int_equal(results(&w, RESULT_CHANGED), ADVERSARIES);
	for (size_t n = 0; n < w.outcome.count; n++) {
		struct queue_id id = candidate_id(w.outcome.items[n].candidate);

		assert_true(lies_in(&w, QUEUE_DEFERRED, &id));
	}
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_scanned_mail_is_deleted),
    cmocka_unit_test(test_file_of_another_message), cmocka_unit_test(test_changed_after_the_scan),
    cmocka_unit_test(test_arriving), cmocka_unit_test(test_adversaries))
