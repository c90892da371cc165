/* SPDX-License-Identifier: ISC */
/* Messages that the index lacks, has wrong, or has from another queue directory. */
#include "tests/unit/order/walk.h"

#include "base/io.h"

static void remove_index(const struct walk *w)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/index.mdb", w->index);
	assert_int_equal(unlink(path), 0);
}

static void test_unknown_mail_is_deleted(void **state)
{
	struct queue_id missed[3], innocent;
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	for (int n = 0; n < 3; n++)
		missed[n] = rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL + 100 + n);
	rig_envelope(&file, ARRIVAL, "a@good.example");
	innocent = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	run_domain(&w);
	assert_int_equal(w.outcome.count, MAILS + 3);
	assert_int_equal(results(&w, RESULT_DONE), MAILS + 3);
	assert_int_equal(w.outcome.tally.from_queue, 3);
	for (int n = 0; n < 3; n++)
		assert_false(lies_in(&w, QUEUE_HOLD, &missed[n]));
	assert_true(lies_in(&w, QUEUE_DEFERRED, &innocent));
	assert_int_equal(w.outcome.tally.batch, 1);
	/* Ordered by age, wherever they were found. */
	for (size_t n = 1; n < w.outcome.count; n++)
		assert_true(
		    order_arrival(&w.outcome.items[n - 1]) <= order_arrival(&w.outcome.items[n]));
	assert_int_equal(count_rows(&w), 1);
	bytes_release(&file);
	close_walk(&w);
}

enum loss { REMOVED, NO_DIRECTORY, LOCKED, NOT_A_DATABASE };

static void lose_index(struct walk *w, enum loss loss)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/index.mdb", w->index);
	switch (loss) {
	case REMOVED:
		remove_index(w);
		break;
	case NO_DIRECTORY:
		w->settings.index_directory = (char *)"/nonexistent/index";
		break;
	case LOCKED:
		assert_int_equal(chmod(w->index, 0), 0);
		break;
	case NOT_A_DATABASE:
		fd = open(path, O_WRONLY | O_TRUNC);
		assert_true(fd >= 0);
		assert_int_equal(io_write_all(fd, "damaged", 7), 0);
		close(fd);
		break;
	}
}

/* The answer is complete in every state of the index. */
static void test_without_index(void **state)
{
	static const struct {
		const char *name;
		enum loss loss;
		bool told;
	} cases[] = {
	    {"removed", REMOVED, false},
	    {"no directory", NO_DIRECTORY, true},
	    {"not to be entered", LOCKED, true},
	    {"damaged", NOT_A_DATABASE, false},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		for (int dry = 1; dry >= 0; dry--) {
			struct walk w;

			open_walk(&w, ACTION_DELETE);
			fill(&w, QUEUE_DEFERRED);
			catch_up(&w);
			lose_index(&w, cases[n].loss);
			w.order.dry_run = dry;
			run_domain(&w);
			case_assert(cases[n].name, w.outcome.no_index == cases[n].told);
			case_assert(cases[n].name,
			    (w.outcome.no_index_why.text[0] != '\0') == cases[n].told);
			case_assert(
			    cases[n].name, results(&w, dry ? RESULT_READY : RESULT_DONE) == MAILS);
			case_assert(cases[n].name, w.outcome.tally.from_queue == MAILS);
			case_assert(cases[n].name, w.outcome.trouble.text[0] == '\0');
			chmod(w.index, 0755);
			close_walk(&w);
		}
}

/* It is removed in the middle of a purge. */
static void remove_when_proving(void *arg, const char *doing, size_t done, size_t of)
{
	char path[128];

	(void)done, (void)of;
	if (strcmp(doing, "deleting") != 0)
		return;
	snprintf(path, sizeof(path), "%s/index.mdb", ((struct walk *)arg)->index);
	unlink(path);
}

static void test_index_lost_while_deleting(void **state)
{
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	for (int n = 0; n < MAILS; n++)
		(void)rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + n);
	w.order.progress = remove_when_proving;
	w.order.progress_arg = &w;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), 2 * MAILS);
	close_walk(&w);
}

/* ---- unreadable files */

static void test_unreadable(void **state)
{
	struct queue_id damaged;
	struct bytes file = {0};
	struct strlist names;
	char path[128];
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	bytes_put(&file, "no queue file", 13);
	damaged = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	snprintf(path, sizeof(path), "%s/hold/A", w.rig.spool);
	rig_directory(&w.rig, path);
	assert_int_equal(chmod(path, 0), 0);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(w.outcome.tally.unreadable, 2);
	names = strlist_of(&w.outcome.unreadable);
	assert_int_equal(names.count, 2);
	assert_non_null(strstr(names.first, "hold/A"));
	assert_non_null(strstr(names.first + strlen(names.first) + 1, damaged.text));
	assert_int_equal(chmod(path, 0755), 0);
	bytes_release(&file);
	close_walk(&w);
}

/* A file that is still arriving is not Postfix's yet, and in no answer. */
static void test_arriving(void **state)
{
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	(void)rig_put(&w.rig, QUEUE_INCOMING, &file, 0600);
	(void)rig_put(&w.rig, QUEUE_MAILDROP, &file, 0700);
	run_domain(&w);
	assert_int_equal(w.outcome.count, 0);
	assert_int_equal(w.outcome.tally.arriving, 1);
	assert_int_equal(w.outcome.tally.maildrop, 1);
	assert_int_equal(w.outcome.tally.unreadable, 0);
	bytes_release(&file);
	close_walk(&w);
}

/* A row that matches only by its given half does not match once the file is read and says
 * otherwise. */
static void test_refuted(void **state)
{
	struct bytes file = {0};
	struct strbuf recipients = {0};
	struct queue_id id;
	struct message m;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	id = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	rig_recorded(&m, &id, ARRIVAL);
	strlist_push(&recipients, "v@other.example", 15);
	m.recipients = strlist_of(&recipients);
	record(&w, &m);
	/* The queue has another recipient, so --only does not match. */
	w.selector.only = true;
	ask_for(&w, &w.selector.recipient, "other.example");
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), 0);
	assert_int_equal(w.outcome.tally.matched, 0);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &id));
	strbuf_release(&recipients);
	bytes_release(&file);
	close_walk(&w);
}

/* ---- sync */

static void test_sync(void **state)
{
	struct caught sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	fill(&w, QUEUE_DEFERRED);
	for (size_t n = 0; n < 3; n++)
		remove_file(&w, QUEUE_DEFERRED, &w.ids[n]);
	for (int n = 0; n < 5; n++)
		(void)rig_mail(&w.rig, QUEUE_HOLD, ARRIVAL + 900 + n);
	for (int dry = 1; dry >= 0; dry--) {
		sync = sync_of(&w, dry);
		assert_int_equal(sync.counts.queued, MAILS - 3 + 5);
		assert_int_equal(sync.counts.rows, MAILS);
		assert_int_equal(sync.counts.read, MAILS - 3 + 5);
		assert_int_equal(sync.counts.added, 5);
		assert_int_equal(sync.counts.dropped, 3);
		assert_int_equal(sync.counts.unreadable, 0);
		assert_false(sync.by_daemon);
		caught_release(&sync);
		assert_int_equal(count_rows(&w), dry ? MAILS : MAILS - 3 + 5);
	}
	/* Each file is read once. */
	sync = sync_of(&w, false);
	assert_int_equal(sync.counts.read, 0);
	assert_int_equal(sync.counts.dropped, 0);
	caught_release(&sync);
	/* Without its own catch-up, and from the index alone. */
	w.order.index_only = true;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_READY), MAILS - 3 + 5);
	assert_true(w.outcome.as_of > 0);
	close_walk(&w);
}

/* A name that readdir does not return (here: not a regular file) is found by a direct look, and
 * keeps its row. */
static void test_name_that_was_missed(void **state)
{
	char path[256], hidden[256];
	struct caught sync;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_LIST);
	w.ids[0] = add(&w, QUEUE_DEFERRED, 0);
	rig_path(&w.rig, QUEUE_DEFERRED, &w.ids[0], path);
	snprintf(hidden, sizeof(hidden), "%s/hidden", w.rig.spool);
	assert_int_equal(rename(path, hidden), 0);
	assert_int_equal(symlink(hidden, path), 0);
	sync = sync_of(&w, false);
	assert_int_equal(sync.counts.queued, 0);
	assert_int_equal(sync.counts.dropped, 0);
	caught_release(&sync);
	assert_int_equal(count_rows(&w), 1);
	close_walk(&w);
}

/* ---- --id */

static void test_ids(void **state)
{
	struct queue_id known, unknown, never, other;
	struct bytes file = {0};
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	known = add(&w, QUEUE_DEFERRED, 0);
	unknown = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL);
	rig_envelope(&file, ARRIVAL, "a@good.example");
	other = rig_put(&w.rig, QUEUE_DEFERRED, &file, 0700);
	assert_int_equal(queue_id_parse("0AAAA9", 6, &never), 0);
	w.selector.ids_given = true;
	assert_int_equal(selector_add_id(&w.selector, &known), 0);
	assert_int_equal(selector_add_id(&w.selector, &unknown), 0);
	assert_int_equal(selector_add_id(&w.selector, &never), 0);
	assert_int_equal(selector_add_id(&w.selector, &other), 0);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), 2);
	assert_int_equal(results(&w, RESULT_GONE), 1);
	assert_int_equal(w.outcome.count, 3);
	for (size_t n = 0; n < w.outcome.count; n++)
		assert_int_equal(
		    w.outcome.items[n].unheard, w.outcome.items[n].result == RESULT_GONE);
	assert_true(lies_in(&w, QUEUE_DEFERRED, &other));
	bytes_release(&file);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_unknown_mail_is_deleted), cmocka_unit_test(test_without_index),
    cmocka_unit_test(test_index_lost_while_deleting), cmocka_unit_test(test_unreadable),
    cmocka_unit_test(test_arriving), cmocka_unit_test(test_refuted), cmocka_unit_test(test_sync),
    cmocka_unit_test(test_name_that_was_missed), cmocka_unit_test(test_ids))
