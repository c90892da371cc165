/* SPDX-License-Identifier: ISC */
/* From the index to postsuper and back, with all kinds of postsuper. */
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

static void test_postsupers(void **state)
{
	static const struct {
		const char *name, *script;
		uint64_t done, gone, failed;
		const char *reason; /* a part of the reason */
	} cases[] = {
	    {"honest", "honest", 8, 0, 0, NULL},
	    {"lying", "while read -r id; do say $id: removed; done", 0, 0, 8, "still there"},
	    {"silent", "cat >/dev/null", 0, 0, 8, "did not see the message"},
	    {"wordless", "while read -r id; do rm -f $(find $id); done", 0, 8, 0, NULL},
	    {"refusing", "say 'fatal: use of this command is reserved for the superuser'; exit 1",
		0, 0, 8, "fatal: use of this command"},
	    {"two at a time",
		"read -r a; read -r b; rm $(find $a) && say $a: removed; cat >/dev/null", 8, 0, 0,
		NULL},
	    {"dying after one", "read -r a; rm $(find $a) && say $a: removed; kill -9 $$", 8, 0, 0,
		NULL},
	    {"dying at once", "kill -9 $$", 0, 0, 8, "signal 9"},
	    {"better at the second try", "[ -e ../tried ] || { touch ../tried; exit 1; }; honest",
		8, 0, 0, NULL},
	    {"garbage", "honest; head -c 100000 /dev/zero >&2", 8, 0, 0, NULL},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct walk w;

		open_walk(&w, ACTION_DELETE);
		assert_int_equal(chmod(w.rig.directory, 0777), 0);
		fill(&w, QUEUE_DEFERRED);
		rig_postsuper(&w.rig, cases[n].script);
		run_domain(&w);
		check_results(&w, cases[n].name, cases[n].done, cases[n].gone, cases[n].failed);
		for (size_t m = 0; m < w.outcome.count; m++)
			if (w.outcome.items[m].result == RESULT_FAILED)
				case_assert(cases[n].name,
				    strstr(w.outcome.items[m].reason, cases[n].reason));
		close_walk(&w);
	}
}

static void test_missing_postsuper(void **state)
{
	struct batches batches;
	struct walk w;
	char path[128];

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	snprintf(path, sizeof(path), "%s/postsuper", w.rig.bin);
	assert_int_equal(unlink(path), 0);
	ask_for(&w, &w.selector.author, "bad.example");
	assert_int_equal(order_run(&w.order, &w.outcome, &w.err), -ENOENT);
	assert_non_null(strstr(w.err.text, path));
	assert_null(w.outcome.items);
	/* The batch in the account says that nothing was done. */
	assert_int_equal(newest(&w, &batches)->state, ACCOUNT_DONE);
	assert_int_equal(batches.list[0].done, 0);
	batches_release(&batches);
	close_walk(&w);
}

/* The row and the file under its ID. */
struct three {
	struct queue_id reused, rewritten, gone;
};

static void place_three(struct walk *w, struct three *ret)
{
	struct bytes file = {0};
	struct message m;

	rig_envelope(&file, ARRIVAL + 50000000, "a@good.example");
	ret->reused = rig_put(&w->rig, QUEUE_INCOMING, &file, 0700);
	rig_recorded(&m, &ret->reused, ARRIVAL);
	record(w, &m);
	ret->rewritten = rig_mail(&w->rig, QUEUE_INCOMING, ARRIVAL + 60000000);
	rig_recorded(&m, &ret->rewritten, ARRIVAL);
	record(w, &m);
	ret->gone = add(w, QUEUE_DEFERRED, 1);
	bytes_release(&file);
}

/* Another message under a row's ID is spared if it does not match, and acted on if it does. */
static void test_only_what_matches(void **state)
{
	struct three three;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_ACTIVE);
	place_three(&w, &three);
	remove_file(&w, QUEUE_DEFERRED, &three.gone);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_int_equal(results(&w, RESULT_CHANGED), 1);
	assert_int_equal(results(&w, RESULT_UNPROVEN), 0);
	/* It was never seen in the queue. */
	assert_int_equal(results(&w, RESULT_GONE), 0);
	assert_int_equal(results(&w, RESULT_EXCLUDED), 1);
	assert_int_equal(w.outcome.tally.matched, MAILS + 2);
	assert_true(lies_in(&w, QUEUE_INCOMING, &three.reused));
	assert_false(lies_in(&w, QUEUE_INCOMING, &three.rewritten));
	for (size_t n = 0; n < w.outcome.count; n++) {
		const struct item *item = &w.outcome.items[n];
		struct queue_id id = candidate_id(item->candidate);
		bool rewritten = queue_id_equal(&id, &three.rewritten);

		assert_int_equal(item->was_active, item->result == RESULT_DONE && !rewritten);
	}
	assert_true(w.outcome.accounted);
	/* The file's own message remains. */
	assert_int_equal(count_rows(&w), 1);
	close_walk(&w);
}

/* A message that was seen once and has left is gone, and its row with it. */
static void test_gone(void **state)
{
	struct queue_id gone;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_ACTIVE);
	gone = add(&w, QUEUE_DEFERRED, 1);
	catch_up(&w);
	remove_file(&w, QUEUE_DEFERRED, &gone);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_int_equal(w.outcome.tally.matched, MAILS);
	assert_int_equal(count_rows(&w), 0);
	close_walk(&w);
}

static void test_hold_and_release(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_HOLD);
	for (int n = 0; n < MAILS; n++)
		w.ids[n] = add(&w,
		    n < 3    ? QUEUE_HOLD
		    : n == 3 ? QUEUE_MAILDROP
			     : QUEUE_DEFERRED,
		    n);
	rig_postsuper(&w.rig, "while read -r id; do [ -e maildrop/$id ] && continue\n"
			      "mv $(find $id) hold/ && say $id: placed on hold; done");
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_EXCLUDED), 3);
	for (int n = 0; n < MAILS; n++)
		assert_int_equal(w.outcome.items[n].idle, n < 3); /* held already */
	assert_int_equal(results(&w, RESULT_FAILED), 1);
	assert_int_equal(results(&w, RESULT_DONE), 4);
	assert_non_null(strstr(w.outcome.items[3].reason, "maildrop"));
	assert_int_equal(w.outcome.items[4].proof.queue, QUEUE_HOLD);
	assert_true(w.outcome.accounted);
	assert_int_equal(count_rows(&w), MAILS); /* holding drops no row */

	w.order.action = ACTION_RELEASE;
	w.order.verb = "release";
	w.order.foreign = w.order.overdue = true;
	rig_postsuper(&w.rig, "honest");
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 7);
	assert_int_equal(results(&w, RESULT_EXCLUDED), 1);
	for (int n = 4; n < MAILS; n++)
		assert_true(lies_in(&w, QUEUE_DEFERRED, &w.ids[n]));
	close_walk(&w);
}

static void test_arriving(void **state)
{
	struct queue_id late, never;
	struct message m;
	struct bytes file = {0};
	char path[256], script[640];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	late = rig_put(&w.rig, QUEUE_INCOMING, &file, 0600);
	never = rig_put(&w.rig, QUEUE_INCOMING, &file, 0600);
	rig_recorded(&m, &late, ARRIVAL);
	record(&w, &m);
	rig_recorded(&m, &never, ARRIVAL);
	record(&w, &m);
	rig_path(&w.rig, QUEUE_INCOMING, &late, path);
	snprintf(script, sizeof(script), "honest; [ -e %s ] && chmod 0700 %s", path, path);
	rig_postsuper(&w.rig, script);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 1);
	assert_int_equal(results(&w, RESULT_FAILED), 1);
	assert_false(lies_in(&w, QUEUE_INCOMING, &late));
	assert_true(lies_in(&w, QUEUE_INCOMING, &never));
	for (size_t n = 0; n < w.outcome.count; n++)
		if (w.outcome.items[n].result == RESULT_FAILED)
			assert_string_equal(
			    w.outcome.items[n].reason, "it is still being received");
	bytes_release(&file);
	close_walk(&w);
}

static volatile sig_atomic_t stop;

static void stop_after_first(void *arg, const char *doing, size_t done, size_t of)
{
	(void)arg, (void)of;
	if (done > 0 && strcmp(doing, "deleting") == 0)
		stop = 1;
}

static void test_stop(void **state)
{
	enum { MANY = 1001 }; /* more than a chunk */
	static struct message list[MANY];
	static struct queue_id ids[MANY];
	struct batches batches;
	uint64_t done;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (int n = 0; n < MANY; n++) {
		ids[n] = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
		rig_recorded(&list[n], &ids[n], ARRIVAL);
	}
	record_all(&w, list, MANY);
	rig_postsuper(
	    &w.rig, "ids=$(cat); cd deferred; rm $ids; for id in $ids; do say $id: removed; done");
	stop = 0;
	w.order.stop = &stop;
	w.order.progress = stop_after_first;
	w.settings.postsuper_jobs = 1;
	run_domain(&w);
	assert_true(w.outcome.interrupted);
	done = results(&w, RESULT_DONE);
	assert_true(done >= 1 && done < MANY);
	assert_int_equal(results(&w, RESULT_UNTOUCHED), MANY - done);
	assert_int_equal(w.outcome.tally.matched, MANY);
	assert_false(lies_in(&w, QUEUE_DEFERRED, &ids[0]));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &ids[MANY - 1]));
	assert_int_equal(account_list(&w.settings, NULL, &batches, &w.err), 0);
	assert_int_equal(batches.count, 1);
	assert_int_equal(batches.list[0].state, ACCOUNT_UNFINISHED);
	assert_false(batches.list[0].running);
	assert_int_equal(batches.list[0].matched, MANY);
	assert_int_equal(batches.list[0].done, done);
	batches_release(&batches);

	/* From the start: nothing is touched, and nothing is reported as done. */
	run(&w);
	assert_true(w.outcome.interrupted);
	assert_int_equal(results(&w, RESULT_DONE), 0);
	assert_int_equal(w.outcome.tally.batch, 0);
	close_walk(&w);
}

/* postsuper reported success, but then nobody can look. */
static void test_nobody_can_look(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_postsuper(&w.rig, "honest; chmod 0 .");
	run_domain(&w);
	assert_int_equal(chmod(w.rig.spool, 0755), 0);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_FAILED), 0);
	assert_non_null(strstr(w.outcome.trouble.text, "failed to look at what postsuper did"));
	close_walk(&w);
}

enum { STALE = 100, LANES = 2 };

/* The files that are in the queue once the proofs are done. */
struct meanwhile {
	struct rig *rig;
	struct queue_id first, last; /* in one lane, and in the other */
	bool over;
};

static void use_again(struct rig *rig, const struct queue_id *id)
{
	struct bytes file = {0};
	struct queue_id other;
	char from[256], to[256];

	rig_envelope(&file, ARRIVAL, "a@good.example");
	other = rig_put(rig, QUEUE_DEFERRED, &file, 0700);
	rig_path(rig, QUEUE_DEFERRED, &other, from);
	rig_path(rig, QUEUE_DEFERRED, id, to);
	assert_int_equal(rename(from, to), 0);
	bytes_release(&file);
}

/* A terminal that takes no output, or ^Z: the command stops once both lanes have looked. */
static void stand_still(void *arg, const char *doing, size_t done, size_t of)
{
	struct meanwhile *m = arg;
	int64_t until;
	siginfo_t info;

	(void)done, (void)of;
	if (m->over || strcmp(doing, "deleting") != 0)
		return;
	m->over = true;
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	use_again(m->rig, &m->first);
	use_again(m->rig, &m->last);
	for (until = clock_steady() + ORDER_PROOF_AGE + 1; clock_steady() < until;)
		poll(NULL, 0, 100);
}

static void test_stopped_between_proof_and_deletion(void **state)
{
	struct message list[STALE];
	struct queue_id ids[STALE];
	struct meanwhile m;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	for (int n = 0; n < STALE; n++) {
		ids[n] = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
		rig_recorded(&list[n], &ids[n], ARRIVAL);
	}
	record_all(&w, list, STALE);
	m = (struct meanwhile){.rig = &w.rig, .first = ids[0], .last = ids[STALE - 1]};
	w.order.progress = stand_still;
	w.order.progress_arg = &m;
	w.settings.postsuper_jobs = LANES;
	run_domain(&w);
	assert_true(m.over);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &m.first));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &m.last));
	assert_int_equal(results(&w, RESULT_CHANGED), LANES);
	assert_int_equal(results(&w, RESULT_DONE), STALE - LANES);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_delete), cmocka_unit_test(test_postsupers),
    cmocka_unit_test(test_missing_postsuper), cmocka_unit_test(test_only_what_matches),
    cmocka_unit_test(test_gone), cmocka_unit_test(test_hold_and_release),
    cmocka_unit_test(test_arriving), cmocka_unit_test(test_stop),
    cmocka_unit_test(test_nobody_can_look),
    cmocka_unit_test(test_stopped_between_proof_and_deletion))
