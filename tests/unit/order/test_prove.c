/* SPDX-License-Identifier: ISC */
/* What only the queue file knows: age, size, queue, and the oldest so many. */
#include "tests/unit/order/walk.h"

static void test_dry_run(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_postsuper(&w.rig, "touch ../called; honest");
	w.order.dry_run = true;
	select_domain(&w);
	act(&w);
	order_account(&w.order, &w.outcome);
	assert_int_equal(results(&w, RESULT_READY), MAILS);
	assert_int_equal(w.outcome.tally.matched, MAILS);
	assert_int_equal(w.outcome.tally.batch, 0);
	for (int n = 0; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	close_walk(&w);
}

static void test_second_step(void **state)
{
	static const struct {
		const char *name;
		size_t limit;
		int64_t before, after, larger;
		unsigned queues;
		uint64_t ready;
		int first; /* the oldest that is ready */
	} cases[] = {
	    {"all", 0, 0, 0, -1, 0, 8, 0},
	    {"the oldest three", 3, 0, 0, -1, 0, 3, 0},
	    {"a limit above the count", 9, 0, 0, -1, 0, 8, 0},
	    {"older", 0, ARRIVAL + 2500000, 0, -1, 0, 3, 0},
	    {"newer", 0, 0, ARRIVAL + 2500000, -1, 0, 5, 3},
	    {"newer, limited", 2, 0, ARRIVAL + 2500000, -1, 0, 2, 3},
	    {"larger", 0, 0, 0, 1233, 0, 8, 0},
	    {"not larger", 0, 0, 0, 1234, 0, 0, -1},
	    {"another queue", 0, 0, 0, -1, QUEUE_HOLD | QUEUE_ACTIVE, 0, -1},
	    {"its queue", 0, 0, 0, -1, QUEUE_DEFERRED, 8, 0},
	};
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	/* The youngest is recorded first, so that age and sequence differ. */
	for (int n = MAILS - 1; n >= 0; n--)
		w.ids[n] = add(&w, QUEUE_DEFERRED, n);
	select_domain(&w);
	w.order.dry_run = true;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		outcome_release(&w.outcome);
		w.selector.arrived_before = cases[n].before;
		w.selector.arrived_after = cases[n].after;
		w.selector.larger_than = cases[n].larger;
		w.selector.queues = cases[n].queues;
		w.order.limit = cases[n].limit;
		assert_int_equal(order_select(&w.order, &w.outcome, &w.err), 0);
		assert_int_equal(order_prove(&w.order, &w.outcome, &w.err), 0);
		if (results(&w, RESULT_READY) != cases[n].ready)
			case_fail(cases[n].name, "%d ready", (int)results(&w, RESULT_READY));
		case_assert(cases[n].name, w.outcome.tally.matched == cases[n].ready);
		for (int m = 0; m < MAILS; m++) {
			const struct item *item = &w.outcome.items[MAILS - 1 - m];
			bool ready = cases[n].first >= 0 && m >= cases[n].first &&
				     m < cases[n].first + (int)cases[n].ready;
			case_assert(cases[n].name, (item->result == RESULT_READY) == ready);
		}
	}
	close_walk(&w);
}

/* What just arrives has no T record yet: it is the youngest, not one without an age. */
static void test_limit_and_arriving(void **state)
{
	struct bytes nothing = {0};
	struct queue_id arriving;
	struct message m;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	arriving = rig_put(&w.rig, QUEUE_INCOMING, &nothing, 0600);
	rig_recorded(&m, &arriving, ARRIVAL + MAILS * INT64_C(1000000));
	record(&w, &m);
	fill(&w, QUEUE_DEFERRED);
	w.order.limit = 3;
	select_domain(&w);
	assert_int_equal(order_prove(&w.order, &w.outcome, &w.err), 0);
	assert_int_equal(results(&w, RESULT_READY), 3);
	for (size_t n = 0; n < w.outcome.count; n++)
		if (w.outcome.items[n].candidate->sequence == 1)
			assert_int_equal(w.outcome.items[n].result, RESULT_EXCLUDED);
	close_walk(&w);
}

static void test_act_after_prove(void **state)
{
	char path[256];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	w.order.limit = 4;
	select_domain(&w);
	assert_int_equal(order_prove(&w.order, &w.outcome, &w.err), 0);
	rig_path(&w.rig, QUEUE_DEFERRED, &w.ids[1], path);
	assert_int_equal(unlink(path), 0);
	act(&w);
	assert_int_equal(results(&w, RESULT_DONE), 3);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_int_equal(results(&w, RESULT_EXCLUDED), 4);
	for (int n = 4; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_dry_run), cmocka_unit_test(test_second_step),
    cmocka_unit_test(test_limit_and_arriving), cmocka_unit_test(test_act_after_prove))
