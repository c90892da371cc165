/* SPDX-License-Identifier: ISC */
/*
 * The walk in queues that are not plain directories: not mounted, linked, unreadable; and misplaced
 * files.
 */
#include "tests/unit/postfix/rig.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"

#define ARRIVAL INT64_C(1700000000123456)

/* A name where neither Postfix nor postsuper looks for it is reported. */
static void test_misplaced(void **state)
{
	static const char *const paths[] = {"deferred/0", "deferred/0/A",
	    "deferred/0/A/3Pt2mN2VXxznjll", "deferred/0/0AAAA1F3D9", "deferred/0/1AAAA1F3D9"};
	struct walked w;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t n = 0; n < COUNT_OF(paths); n++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", rig.spool, paths[n]);
		if (n < 2 && access(path, F_OK) < 0)
			rig_directory(&rig, path);
		else if (n >= 2)
			rig_touch(&rig, paths[n]);
	}
	w = rig_walk(&rig, NULL, 0);
	assert_int_equal(w.names, 1);
	assert_int_equal(w.unreadable_count, 2);
	assert_non_null(strstr(strlist_of(&w.unreadable).first, ": in the wrong directory"));
	walked_release(&w);
	rig_close(&rig);
}

/* If the spool's file system is not mounted, nothing can be said of it, least of all that mail
 * left. */
static void test_not_mounted(void **state)
{
	(void)state;
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		const char *word = queue_word(queue_at(n));
		struct walked w;
		struct proof *states;
		struct err err = {{0}};
		struct queue_id id;
		char path[256];
		struct rig rig;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
		snprintf(path, sizeof(path), "%s/%s", rig.spool, word);
		nftw(path, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
		case_assert(word, spool_states(&rig.p, &id, 1, &states, &err) == ERR_CONFIG);
		case_assert(word, strstr(err.text, word) != NULL);
		case_assert(word, spool_walk(&rig.p, NULL, 0, false, &w, &err) == ERR_CONFIG);
		case_assert(word, strstr(err.text, "mounted") != NULL);
		rig_close(&rig);
	}
}

/* A skeleton under a mount point is another place. */
static void test_place(void **state)
{
	struct walked before, after;
	char away[256];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	before = rig_walk(&rig, NULL, 0);
	snprintf(away, sizeof(away), "%s/away", rig.directory);
	assert_int_equal(rename(rig.spool, away), 0);
	rig_directory(&rig, rig.spool);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", rig.spool, queue_word(queue_at(n)));
		rig_directory(&rig, path);
	}
	after = rig_walk(&rig, NULL, 0);
	assert_true(before.device != after.device || before.inode != after.inode);
	walked_release(&before);
	walked_release(&after);
	rig_close(&rig);
}

/* A queue may be a link to its directory, since Postfix follows it, too; a hash level may not. */
static void test_links(void **state)
{
	char path[256], away[256];
	struct walked w;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	(void)rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	snprintf(path, sizeof(path), "%s/deferred", rig.spool);
	snprintf(away, sizeof(away), "%s/elsewhere", rig.spool);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	snprintf(path, sizeof(path), "%s/elsewhere/A", rig.spool);
	assert_int_equal(symlink("..", path), 0);
	w = rig_walk(&rig, NULL, 0);
	assert_int_equal(w.names, 1);
	walked_release(&w);
	rig_close(&rig);
}

/* If a directory cannot be read, the rest is walked and the directory is named. */
static void test_unreadable(void **state)
{
	static const struct {
		const char *directory, *text;
		uint64_t names; /* still visible */
		mode_t mode;
	} cases[] = {
	    {"deferred/0", "deferred/0: Permission denied", 4, 0444},
	    {"hold", "hold: Permission denied", 4, 0600},
	    {"hold", "hold: Permission denied", 4, 0100},
	    {"deferred/0", "deferred/0: Permission denied", 4, 0},
	    {"deferred", "deferred: Permission denied", 3, 0},
	    {"incoming", "incoming: Permission denied", 4, 0},
	    {"hold", "hold: Permission denied", 4, 0},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		static const enum queue_name queues[] = {
		    QUEUE_INCOMING, QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_DEFERRED, QUEUE_HOLD};
		struct queue_id id;
		char path[256];
		struct walked w;
		struct rig rig;

		rig_open(&rig);
		for (size_t at = 0; at < COUNT_OF(queues); at++) {
			id = rig_mail(&rig, queues[at], ARRIVAL);
			if (at == 2)
				rig_sink(&rig, QUEUE_DEFERRED, 1, &id);
		}
		snprintf(path, sizeof(path), "%s/%s", rig.spool, cases[n].directory);
		assert_int_equal(chmod(path, cases[n].mode), 0);
		w = rig_walk(&rig, NULL, 0);
		case_assert(cases[n].directory, w.names == cases[n].names);
		case_assert(cases[n].directory, w.unreadable_count == 1);
		case_assert_text(cases[n].directory, strbuf_text(&w.unreadable), cases[n].text);
		walked_release(&w);
		chmod(path, 0700);
		rig_close(&rig);
	}
}

/* All are counted, the first ones are named. */
static void test_many_unreadable(void **state)
{
	char path[256];
	struct walked w;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned n = 0; n < 32; n++) {
		snprintf(path, sizeof(path), "%s/%s/%X", rig.spool, n < 16 ? "deferred" : "hold",
		    n % 16);
		rig_directory(&rig, path);
		assert_int_equal(chmod(path, 0), 0);
	}
	w = rig_walk(&rig, NULL, 0);
	assert_int_equal(w.unreadable_count, 32);
	assert_int_equal(strlist_of(&w.unreadable).count, WALK_NAMED);
	walked_release(&w);
	for (unsigned n = 0; n < 32; n++) {
		snprintf(path, sizeof(path), "%s/%s/%X", rig.spool, n < 16 ? "deferred" : "hold",
		    n % 16);
		chmod(path, 0700);
	}
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_not_mounted), cmocka_unit_test(test_misplaced),
    cmocka_unit_test(test_place), cmocka_unit_test(test_links), cmocka_unit_test(test_unreadable),
    cmocka_unit_test(test_many_unreadable))
