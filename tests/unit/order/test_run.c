/* SPDX-License-Identifier: ISC */
/* From the index to postsuper and back, with every kind of postsuper. */
#include "tests/unit/order/walk.h"

#include <poll.h>
#include <sys/wait.h>

#include "base/clock.h"

static void test_delete(void **state)
{
	struct batches batches;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	run_domain(&w);
	assert_int_equal(w.outcome.count, MAILS);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(w.outcome.tally.matched, MAILS);
	assert_int_equal(w.outcome.tally.by_envelope, MAILS);
	assert_int_equal(w.outcome.tally.from_queue, 0);
	assert_int_equal(w.outcome.tally.bytes, MAILS * 1234);
	assert_false(w.outcome.interrupted);
	assert_false(w.outcome.no_index);
	assert_string_equal(w.outcome.trouble.text, "");
	for (size_t n = 0; n < MAILS; n++)
		assert_false(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	assert_true(w.outcome.accounted);
	assert_int_equal(w.outcome.tally.batch, 1);
	assert_int_equal(newest(&w, &batches)->done, MAILS);
	batches_release(&batches);

	/* The rows are gone: a second order finds nothing and writes no batch. */
	assert_int_equal(count_rows(&w), 0);
	run(&w);
	assert_int_equal(w.outcome.count, 0);
	assert_true(w.outcome.accounted);
	assert_int_equal(w.outcome.tally.batch, 0);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_delete))
