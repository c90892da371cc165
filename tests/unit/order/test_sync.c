/* SPDX-License-Identifier: ISC */
/* Bringing the index in line with a crafted queue. Arrivals lie in the past, so no row is young. */
#include "tests/unit/order/walk.h"

#include "order/sync.h"

static struct sync sync_of(const struct walk *w)
{
	return (struct sync){.settings = &w->settings, .postfix = &w->rig.p};
}

static void run(struct walk *w, struct sync *sync)
{
	w->settings.max_recipients = 100;
	if (sync_run(sync, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static void remove_file(const struct walk *w, enum queue_name queue, const struct queue_id *id)
{
	char path[256];

	rig_path(&w->rig, queue, id, path);
	assert_int_equal(unlink(path), 0);
}

static uint64_t count_rows(struct walk *w)
{
	struct sync sync = sync_of(w);

	sync.dry_run = true;
	run(w, &sync);
	return sync.rows;
}

static void test_drop(void **state)
{
	struct sync sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	fill(&w, QUEUE_DEFERRED);
	for (size_t n = 0; n < 3; n++)
		remove_file(&w, QUEUE_DEFERRED, &w.ids[n]);
	sync = sync_of(&w);
	sync.dry_run = true;
	run(&w, &sync);
	assert_int_equal(sync.dropped, 3);
	assert_int_equal(count_rows(&w), MAILS);
	sync = sync_of(&w);
	run(&w, &sync);
	assert_int_equal(sync.queued, MAILS - 3);
	assert_int_equal(sync.dropped, 3);
	assert_int_equal(sync.replaced, 0);
	assert_int_equal(sync.unindexed, 0);
	assert_int_equal(count_rows(&w), MAILS - 3);
	close_walk(&w);
}

/* A name that readdir does not give (here: the file lies deeper than it looks) is found by lstat
 * and keeps its row. */
static void test_name_that_was_missed(void **state)
{
	char path[256], hidden[256];
	struct sync sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	w.ids[0] = add(&w, QUEUE_DEFERRED, 0);
	rig_path(&w.rig, QUEUE_DEFERRED, &w.ids[0], path);
	/* A name of its own for the walk, which takes regular files only; lstat sees it. */
	snprintf(hidden, sizeof(hidden), "%s/hidden", w.rig.spool);
	assert_int_equal(rename(path, hidden), 0);
	assert_int_equal(symlink(hidden, path), 0);
	sync = sync_of(&w);
	run(&w, &sync);
	assert_int_equal(sync.queued, 0);
	assert_int_equal(sync.dropped, 0);
	assert_int_equal(count_rows(&w), 1);
	close_walk(&w);
}

static void test_add(void **state)
{
	struct sync sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	fill(&w, QUEUE_DEFERRED);
	for (int n = 0; n < 5; n++)
		(void)rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL + 900 + n);
	sync = sync_of(&w);
	run(&w, &sync);
	assert_int_equal(sync.unindexed, 5);
	assert_int_equal(sync.added, 0);
	sync = sync_of(&w);
	sync.add = true;
	run(&w, &sync);
	assert_int_equal(sync.added, 5);
	assert_int_equal(sync.unreadable, 0);
	sync = sync_of(&w);
	sync.add = true;
	run(&w, &sync);
	assert_int_equal(sync.unindexed, 0);
	assert_int_equal(sync.rows, MAILS + 5);
	/* What was added is selected and proven like other mail. */
	select_domain(&w);
	assert_int_equal(order_prove(&w.order, &w.outcome, &w.err), 0);
	assert_int_equal(results(&w, RESULT_READY), MAILS + 5);
	close_walk(&w);
}

/* A share of the rows is looked at each time, all of them with `prove`. */
static void test_file_of_another_message(void **state)
{
	struct queue_id id;
	struct message m;
	struct sync sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	fill(&w, QUEUE_DEFERRED);
	id = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + 5000000);
	rig_recorded(&m, &id, ARRIVAL); /* of the same sender, five seconds before */
	record(&w, &m);
	sync = sync_of(&w);
	sync.prove = true;
	run(&w, &sync);
	assert_int_equal(sync.replaced, 1);
	assert_int_equal(sync.dropped, 1);
	assert_int_equal(sync.unindexed, 1);
	assert_int_equal(count_rows(&w), MAILS);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &id));
	close_walk(&w);
}

/* What a rewritten sender or a clock that was set cannot disprove keeps its row. */
static void test_not_disproven(void **state)
{
	struct queue_id ids[2];
	struct message m;
	struct sync sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	ids[0] = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
	rig_recorded(&m, &ids[0], ARRIVAL);
	m.sender = "other@good.example";
	record(&w, &m);
	ids[1] = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + 9000000);
	rig_recorded(&m, &ids[1], ARRIVAL);
	m.sender = "other@good.example";
	m.flags = MESSAGE_CLOCK_STEPPED;
	record(&w, &m);
	sync = sync_of(&w);
	sync.prove = true;
	run(&w, &sync);
	assert_int_equal(sync.dropped, 0);
	assert_int_equal(count_rows(&w), 2);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_drop), cmocka_unit_test(test_name_that_was_missed),
    cmocka_unit_test(test_add), cmocka_unit_test(test_file_of_another_message),
    cmocka_unit_test(test_not_disproven))
