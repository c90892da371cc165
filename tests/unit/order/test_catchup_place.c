/* SPDX-License-Identifier: ISC */
/*
 * A catch-up of a queue that changed its place: hashed differently, not mounted, restored, or of
 * another instance.
 */
#include "tests/unit/order/walk.h"

#include "base/io.h"

/* ---- the layout on disk */

static void test_deeper_than_main_cf_says(void **state)
{
	static const char script[] =
	    "honest() { while read -r id; do\n"
	    "  f=$(ls deferred/*/*/$id deferred/*/$id deferred/$id 2>/dev/null)\n"
	    "  case $f in '') ;; *) rm $f && say $id: removed;; esac\n"
	    "done; }\nhonest";
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	rig_postsuper(&w.rig, script);
	for (int n = 0; n < MAILS; n++)
		if (n < 6) /* in the middle of re-hashing */
			rig_sink(&w.rig, QUEUE_DEFERRED, n < 3 ? 1 : 2, &w.ids[n]);
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_GONE) + results(&w, RESULT_EXCLUDED), 0);
	close_walk(&w);
}

/* ---- the queue directory */

static void hide_spool(struct walk *w)
{
	char from[128];

	snprintf(from, sizeof(from), "%s/away", w->rig.directory);
	assert_int_equal(rename(w->rig.spool, from), 0);
	rig_directory(&w->rig, w->rig.spool);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", w->rig.spool, queue_word(queue_at(n)));
		rig_directory(&w->rig, path);
	}
}

static void show_spool(struct walk *w)
{
	char from[128], away[128];

	snprintf(from, sizeof(from), "%s/away", w->rig.directory);
	snprintf(away, sizeof(away), "%s/skeleton", w->rig.directory);
	assert_int_equal(rename(w->rig.spool, away), 0);
	assert_int_equal(rename(from, w->rig.spool), 0);
}

/* A skeleton of directories, as under a mount point. */
static void test_unmounted(void **state)
{
	static const struct {
		const char *name;
		bool known; /* a catch-up ran before */
		bool trace; /* Postfix once ran in the skeleton */
		int want;
	} cases[] = {
	    {"known, and never used", true, false, ERR_INSTANCE},
	    {"known, and used once", true, true, ERR_INSTANCE},
	    {"not known yet, and never used", false, false, ERR_INSTANCE},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct walk w;
		const struct catchup_task task = {.settings = &w.settings, .postfix = &w.rig.p};
		struct caught caught = {0};

		open_walk(&w, ACTION_DELETE);
		fill(&w, QUEUE_DEFERRED);
		if (cases[n].known)
			catch_up(&w);
		hide_spool(&w);
		if (cases[n].trace)
			leave_trace(&w);
		ask_for(&w, &w.selector.author, "bad.example");
		for (int dry = 0; dry < 2; dry++) {
			w.order.dry_run = dry;
			case_assert(cases[n].name,
			    order_run(&w.order, &w.outcome, &w.err) == cases[n].want);
			case_assert(cases[n].name, strstr(w.err.text, "mounted") != NULL);
			case_assert(cases[n].name, strstr(w.err.text, "index.mdb") != NULL);
		}
		case_assert(cases[n].name, sync_run(&task, &caught, &w.err) == cases[n].want);
		case_assert(cases[n].name, count_rows(&w) == MAILS);
		show_spool(&w);
		w.order.dry_run = false;
		run(&w);
		case_assert(cases[n].name, results(&w, RESULT_DONE) == MAILS);
		case_assert(cases[n].name, count_rows(&w) == 0);
		close_walk(&w);
	}
}

/* Restores a copy: the directory and each file get new inodes. */
static void restore_spool(struct walk *w)
{
	char from[256], to[256];

	hide_spool(w);
	for (size_t n = 0; n < MAILS; n++) {
		char bytes[4096];
		int fd;
		ssize_t len;

		snprintf(
		    from, sizeof(from), "%s/away/deferred/%s", w->rig.directory, w->ids[n].text);
		rig_path(&w->rig, QUEUE_DEFERRED, &w->ids[n], to);
		fd = open(from, O_RDONLY);
		len = io_read_all(fd, bytes, sizeof(bytes));
		close(fd);
		assert_true(len > 0);
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);
		assert_int_equal(io_write_all(fd, bytes, (size_t)len), 0);
		close(fd);
		rig_own(&w->rig, to);
	}
}

static void test_restored(void **state)
{
	struct caught sync;
	struct walk w;

	(void)state;
	for (int seen = 0; seen < 2; seen++) {
		open_walk(&w, ACTION_DELETE);
		fill(&w, QUEUE_DEFERRED);
		if (seen)
			catch_up(&w);
		restore_spool(&w);
		if (seen) {
			/* It is acted on but not adopted: messages missing here have not left. */
			remove_file(&w, QUEUE_DEFERRED, &w.ids[0]);
			w.order.dry_run = true;
			run_domain(&w);
			assert_int_equal(results(&w, RESULT_READY), MAILS - 1);
			assert_int_equal(results(&w, RESULT_GONE), 0);
			assert_int_equal(count_rows(&w), MAILS);
			sync = sync_of(&w, false);
			assert_true(sync.counts.adopted);
			caught_release(&sync);
			w.order.dry_run = false;
			run(&w);
			assert_int_equal(results(&w, RESULT_GONE), 1);
		} else {
			run_domain(&w);
		}
		assert_int_equal(results(&w, RESULT_DONE), MAILS - seen);
		assert_int_equal(results(&w, RESULT_UNPROVEN), 0);
		close_walk(&w);
	}
}

/* Two instances feed one daemon: the other one's messages are neither gone nor dropped. */
static void test_another_instance(void **state)
{
	struct queue_id other[MAILS];
	struct rig second;
	struct walk w;

	(void)state;
	open_walk(&w, ACTION_DELETE);
	fill(&w, QUEUE_DEFERRED);
	catch_up(&w);
	rig_open(&second);
	second.p.myhostname = (char *)"second.example";
	rig_postsuper(&second, "honest");
	for (int n = 0; n < MAILS; n++) {
		struct message m;

		other[n] = rig_mail(&second, QUEUE_DEFERRED, ARRIVAL + n);
		rig_recorded(&m, &other[n], ARRIVAL + n);
		if (n < 4)
			record(&w, &m);
	}
	/* Everything of the second instance. */
	w.order.postfix = &second.p;
	run_domain(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_GONE), 0);
	/* Nothing of the first one was touched or forgotten. */
	w.order.postfix = &w.rig.p;
	run(&w);
	assert_int_equal(results(&w, RESULT_DONE), MAILS);
	assert_int_equal(results(&w, RESULT_GONE), 0);
	rig_close(&second);
	close_walk(&w);
}

UNIT_MAIN(cmocka_unit_test(test_deeper_than_main_cf_says), cmocka_unit_test(test_unmounted),
    cmocka_unit_test(test_restored), cmocka_unit_test(test_another_instance))
