/* SPDX-License-Identifier: ISC */
/* Shown and asked before anything is touched: age, size, queue, and the n oldest. */
#include "tests/unit/order/walk.h"

#include "order/order.h"

static void test_dry_run(void **state)
{
	char called[128];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_postsuper(&w.rig, "touch ../called; honest");
	w.order.dry_run = true;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_READY), MAILS);
	assert_int_equal(w.outcome.tally.matched, MAILS);
	assert_int_equal(w.outcome.tally.batch, 0);
	assert_true(w.outcome.accounted);
	snprintf(called, sizeof(called), "%s/called", w.rig.directory);
	assert_int_equal(access(called, F_OK), -1);
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
		int first; /* the oldest ready one */
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
	/* Recorded youngest first, and only half of them: the order must be that of arrival. */
	for (int n = MAILS - 1; n >= 0; n--)
		w.ids[n] = n % 2 ? add(&w, QUEUE_DEFERRED, n)
				 : rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + n * 1000000);
	ask_for(&w, &w.selector.author, "bad.example");
	w.order.dry_run = true;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		w.selector.arrived_before = cases[n].before;
		w.selector.arrived_after = cases[n].after;
		w.selector.larger_than = cases[n].larger;
		w.selector.queues = cases[n].queues;
		w.order.limit = cases[n].limit;
		run(&w);
		if (results(&w, RESULT_READY) != cases[n].ready)
			case_fail(cases[n].name, "%d ready", (int)results(&w, RESULT_READY));
		case_assert(cases[n].name, w.outcome.tally.matched == cases[n].ready);
		for (int m = 0; m < MAILS; m++) {
			const struct item *item = &w.outcome.items[m];
			struct queue_id id = candidate_id(item->candidate);
			bool ready = cases[n].first >= 0 && m >= cases[n].first &&
				     m < cases[n].first + (int)cases[n].ready;

			case_assert_text(cases[n].name, id.text, w.ids[m].text);
			case_assert(cases[n].name, (item->result == RESULT_READY) == ready);
		}
	}
	close_walk(&w);
}

/* A file that is just arriving has no T record yet. It counts as the youngest, not as ageless. */
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
	w.order.dry_run = true;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_READY), 3);
	for (size_t n = 0; n < w.outcome.count; n++) {
		struct queue_id id = candidate_id(w.outcome.items[n].candidate);

		if (queue_id_equal(&id, &arriving))
			assert_int_equal(w.outcome.items[n].result, RESULT_EXCLUDED);
	}
	close_walk(&w);
}

/* ---- the question */

struct asked {
	struct walk *w;
	enum order_answer answer;
	unsigned calls;
	uint64_t ready; /* what was shown */
	size_t remove;  /* the file that goes during the question; MAILS: none */
	bool block;     /* a rule is set, and mail came until then */
	struct queue_id late;
};

static enum order_answer ask(void *arg, struct order *order, const struct outcome *preview)
{
	struct asked *a = arg;

	a->calls++;
	a->ready = preview->tally.results[RESULT_READY];
	if (a->remove < MAILS)
		remove_file(a->w, QUEUE_DEFERRED, &a->w->ids[a->remove]);
	if (a->block) {
		order->rules_set = 1;
		a->late = rig_mail(&a->w->rig, QUEUE_ACTIVE, ARRIVAL);
	}
	return a->answer;
}

static void open_asked(struct walk *w, struct asked *a, enum order_answer answer)
{
	open_walk(w, ACTION_DELETE);
	*a = (struct asked){.w = w, .answer = answer, .remove = MAILS};
	w->order.ask = ask;
	w->order.ask_arg = a;
}

static void test_no(void **state)
{
	struct batches batches;
	struct asked a;
	struct walk w;

	(void)state;
	open_asked(&w, &a, ORDER_NO);
	fill(&w, QUEUE_DEFERRED);
	run_domain(&w);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.ready, MAILS);
	assert_true(w.outcome.refused);
	assert_true(w.outcome.accounted);
	assert_int_equal(results(&w, RESULT_UNTOUCHED), MAILS);
	for (int n = 0; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	assert_int_equal(account_list(&w.settings, &w.rig.p, &batches, &w.err), 0);
	assert_int_equal(batches.count, 0);
	batches_release(&batches);
	close_walk(&w);
}

/* The preview includes messages that the index lacked. A file that goes meanwhile is gone. One that
 * takes its name was not in the preview and is spared. */
static void test_yes(void **state)
{
	struct asked a;
	struct walk w;

	(void)state;
	open_asked(&w, &a, ORDER_GO);
	fill(&w, QUEUE_DEFERRED);
	(void)rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL);
	a.remove = 1;
	w.order.limit = 5;
	run_domain(&w);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.ready, 5);
	assert_int_equal(results(&w, RESULT_DONE), 4);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_int_equal(results(&w, RESULT_EXCLUDED), 4);
	for (int n = 4; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	assert_null(w.order.ask);
	close_walk(&w);
}

/* If a rule comes into force after the preview, everything is selected anew, without a second
 * question. */
static void test_again(void **state)
{
	struct asked a;
	struct walk w;

	(void)state;
	open_asked(&w, &a, ORDER_AGAIN);
	fill(&w, QUEUE_DEFERRED);
	a.block = true;
	run_domain(&w);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.ready, MAILS);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_false(lies_in(&w, QUEUE_ACTIVE, &a.late));
	close_walk(&w);
}

/* Asks even if nothing matched, since a rule may be set. */
static void test_nothing(void **state)
{
	struct asked a;
	struct walk w;

	(void)state;
	open_asked(&w, &a, ORDER_GO);
	run_domain(&w);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.ready, 0);
	assert_true(w.outcome.accounted);
	assert_int_equal(w.outcome.tally.batch, 0);
	close_walk(&w);
}

/* ---- saving: nothing, not even the directory, is touched before the answer */

struct saving {
	struct walk *w;
	struct save save;
	char path[128];
};

static enum order_answer ask_and_open(void *arg, struct order *order, const struct outcome *preview)
{
	struct saving *s = arg;

	(void)order, (void)preview;
	assert_int_equal(access(s->path, F_OK), -1);
	rig_directory(&s->w->rig, s->path);
	s->save.directory = open(s->path, O_RDONLY | O_DIRECTORY);
	assert_true(s->save.directory >= 0);
	return ORDER_GO;
}

static void test_save(void **state)
{
	struct saving s;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	(void)rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL);
	s = (struct saving){.w = &w, .save = {"saved", -1}};
	snprintf(s.path, sizeof(s.path), "%s/saved", w.rig.directory);
	w.order.save = &s.save;
	w.order.ask = ask_and_open;
	w.order.ask_arg = &s;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	for (size_t n = 0; n < MAILS; n++) {
		char name[64];
		struct stat st;

		snprintf(name, sizeof(name), "%s.eml", w.ids[n].text);
		assert_int_equal(fstatat(s.save.directory, name, &st, 0), 0);
		assert_true(st.st_size > 0);
	}
	close(s.save.directory);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_dry_run), cmocka_unit_test(test_second_step),
    cmocka_unit_test(test_limit_and_arriving), cmocka_unit_test(test_no),
    cmocka_unit_test(test_yes), cmocka_unit_test(test_again), cmocka_unit_test(test_nothing),
    cmocka_unit_test(test_save))
