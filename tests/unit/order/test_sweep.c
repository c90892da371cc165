/* SPDX-License-Identifier: ISC */
/* Several passes as one outcome. */
#include "tests/unit/order/walk.h"

/* Happens once, when the first messages have been deleted. */
struct event {
	struct walk *w;
	bool over;
	enum { ARRIVES, NAME_AGAIN, STOP } what;
	struct queue_id late;
};

static volatile sig_atomic_t stop;

/* Another message of the domain under an ID that has become free. */
static void use_again(struct walk *w, const struct queue_id *id)
{
	struct queue_id other = rig_mail(&w->rig, QUEUE_HOLD, ARRIVAL + 77);
	char from[256], to[256];

	rig_path(&w->rig, QUEUE_HOLD, &other, from);
	rig_path(&w->rig, QUEUE_DEFERRED, id, to);
	assert_int_equal(rename(from, to), 0);
}

static void happen(void *arg, const char *doing, size_t done, size_t of)
{
	struct event *e = arg;

	(void)of;
	if (e->over || done == 0 || strcmp(doing, "deleting") != 0 ||
	    lies_in(e->w, QUEUE_DEFERRED, &e->w->ids[0]))
		return;
	e->over = true;
	if (e->what == ARRIVES)
		e->late = add(e->w, QUEUE_INCOMING, 99);
	else if (e->what == NAME_AGAIN)
		use_again(e->w, &e->w->ids[0]);
	else
		stop = 1;
}

static void open_sweep(struct walk *w, struct event *e, int what)
{
	open_walk(w, ACTION_DELETE);
	fill(w, QUEUE_DEFERRED);
	*e = (struct event){.w = w};
	e->what = what;
	w->order.sweep = true;
	w->order.progress = happen;
	w->order.progress_arg = e;
}

static void test_what_arrives_meanwhile(void **state)
{
	struct batches batches;
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, ARRIVES);
	run_domain(&w);
	assert_true(e.over);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_false(lies_in(&w, QUEUE_INCOMING, &e.late));
	assert_true(w.outcome.passes >= 2);
	assert_false(w.outcome.sweep_cut);
	assert_int_equal(w.outcome.count, MAILS + 1);
	/* All passes make one batch. */
	assert_int_equal(newest(&w, &batches)->done, MAILS + 1);
	assert_int_equal(batches.count, 1);
	batches_release(&batches);
	close_walk(&w);
}

/* Both messages that had the name are reported. */
static void test_name_used_again(void **state)
{
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, NAME_AGAIN);
	run_domain(&w);
	assert_true(e.over);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_int_equal(w.outcome.count, MAILS + 1);
	assert_false(lies_in(&w, QUEUE_DEFERRED, &w.ids[0]));
	close_walk(&w);
}

/* A message that never goes is tried in three passes, and reported once. */
static void test_stuck(void **state)
{
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, ARRIVES);
	rig_postsuper(&w.rig, "cat >/dev/null");
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_FAILED), MAILS);
	assert_int_equal(w.outcome.count, MAILS);
	assert_int_equal(w.outcome.passes, 4);
	close_walk(&w);
}

/* The later pass overrides. */
static void test_second_try(void **state)
{
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, ARRIVES);
	e.over = true;
	assert_int_equal(chmod(w.rig.directory, 0777), 0);
	rig_postsuper(&w.rig, "n=$(cat ../tries 2>/dev/null); echo \"$n.\" >../tries\n"
			      "case $n in .......*) honest;; esac");
	w.settings.postsuper_jobs = 1;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_FAILED), 0);
	assert_int_equal(w.outcome.count, MAILS);
	close_walk(&w);
}

/* Held messages stay held, and are not found again. */
static void test_hold(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	fill(&w, QUEUE_DEFERRED);
	w.order.sweep = true;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(w.outcome.count, MAILS);
	assert_int_equal(w.outcome.passes, 2);
	close_walk(&w);
}

static void put_text(const struct walk *w, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", w->rig.directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* An interrupted pass says nothing of messages that it did not reach. */
static void test_interrupted(void **state)
{
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, STOP);
	rig_postsuper(&w.rig, "while read -r id; do [ $id = \"$(cat ../kept)\" ] && continue\n"
			      "rm $(find $id) && say $id: removed; done");
	put_text(&w, "kept", w.ids[5].text);
	stop = 0;
	w.order.stop = &stop;
	run_domain(&w);
	assert_true(w.outcome.interrupted);
	assert_int_equal(results(&w, RESULT_DONE), MAILS - 1);
	assert_int_equal(
	    results(&w, RESULT_DONE) + results(&w, RESULT_FAILED) + results(&w, RESULT_UNTOUCHED),
	    MAILS);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[5]));
	close_walk(&w);
}

/* The limit covers all passes together. */
static void test_limit(void **state)
{
	struct event e;
	struct walk w;

	(void)state;
	open_sweep(&w, &e, ARRIVES);
	w.order.limit = 3;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), 3);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_what_arrives_meanwhile), cmocka_unit_test(test_name_used_again),
    cmocka_unit_test(test_stuck), cmocka_unit_test(test_second_try), cmocka_unit_test(test_hold),
    cmocka_unit_test(test_interrupted), cmocka_unit_test(test_limit))
