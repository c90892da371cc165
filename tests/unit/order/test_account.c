/* SPDX-License-Identifier: ISC */
/* What the index does not know, and what the writer is told. */
#include "tests/unit/order/walk.h"

static void test_unindexed(void **state)
{
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	fill(&w, QUEUE_DEFERRED);
	rig_envelope(&file, ARRIVAL, "x@y.example");
	rig_put(&w.rig, QUEUE_HOLD, &file, 0700);
	rig_put(&w.rig, QUEUE_ACTIVE, &file, 0700);
	rig_put(&w.rig, QUEUE_INCOMING, &file, 0600);
	rig_put(&w.rig, QUEUE_MAILDROP, &file, 0700);
	select_domain(&w);
	assert_true(order_count_unindexed(&w.order, &w.outcome, 0));
	if (!w.outcome.tally.unindexed_known)
		fail_msg("%s", w.outcome.trouble.text);
	assert_int_equal(w.outcome.tally.unindexed, 2);
	assert_int_equal(w.outcome.tally.unindexed_arriving, 1);
	assert_int_equal(w.outcome.tally.unindexed_maildrop, 1);
	bytes_release(&file);
	close_walk(&w);
}

static int read_user(struct store *store, void *arg, struct bytes *out, struct err *err)
{
	struct batch b;
	struct txn txn;
	int found;

	(void)arg, (void)err;
	(void)txn_begin(store, false, &txn);
	found = batch_next(&txn, 0, &b);
	bytes_put_text(out, found == 1 ? b.user : "?");
	txn_abort(&txn);
	return 0;
}

static void test_who_asked(void **state)
{
	static const struct {
		const char *name, *user, *want;
	} cases[] = {{"a name", "anna", "anna"}, {"none", NULL, "uid "}};

	(void)state;
	setenv("LOGNAME", "mallory", 1); /* whoever can set it can say anything */
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct blob blob = {0};
		struct reader r;
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		fill(&w, QUEUE_DEFERRED);
		w.order.user = cases[n].user;
		select_domain(&w);
		act(&w);
		order_account(&w.order, &w.outcome);
		assert_int_equal(index_read(w.index, read_user, NULL, &blob, &w.err), 0);
		r = reader_of(blob.at, blob.len);
		case_assert(cases[n].name, str_starts(reader_text(&r), cases[n].want));
		blob_release(&blob);
		close_walk(&w);
	}
}

static void test_no_account(void **state)
{
	struct walk w;
	char path[128];

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	select_domain(&w);
	snprintf(path, sizeof(path), "%s/data.mdb", w.index);
	assert_int_equal(unlink(path), 0);
	act(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	order_account(&w.order, &w.outcome);
	assert_false(w.outcome.accounted);
	assert_int_equal(w.outcome.tally.batch, 0);
	assert_non_null(strstr(w.outcome.trouble.text, "account"));
	close_walk(&w);
}

static void test_large_account(void **state)
{
	enum { MANY = REQUEST_ROWS_MAX + 1 };
	struct candidate *list = calloc(MANY, sizeof(*list));
	struct walk w;

	(void)state;
	assert_non_null(list);
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	select_domain(&w);
	w.outcome.count = MANY;
	free(w.outcome.items);
	w.outcome.items = calloc(MANY, sizeof(*w.outcome.items));
	assert_non_null(w.outcome.items);
	for (size_t n = 0; n < MANY; n++) {
		list[n] = w.outcome.candidates.list[n % MAILS];
		w.outcome.items[n] = (struct item){.candidate = &list[n], .result = RESULT_DONE};
	}
	order_account(&w.order, &w.outcome);
	if (!w.outcome.accounted)
		fail_msg("%s", w.outcome.trouble.text);
	assert_int_equal(w.outcome.tally.batch, 1);
	outcome_release(&w.outcome);
	assert_int_equal(order_select(&w.order, &w.outcome, &w.err), 0);
	assert_int_equal(w.outcome.count, 0);
	free(list);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_unindexed), cmocka_unit_test(test_who_asked),
    cmocka_unit_test(test_no_account), cmocka_unit_test(test_large_account))
