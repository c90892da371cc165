/* SPDX-License-Identifier: ISC */
/*
 * Looking for messages if files or directories are unreadable, are no queue files, or come in
 * pieces.
 */
#include "tests/unit/postfix/rig.h"

#include <signal.h>

#include "base/clock.h"

#define ARRIVAL INT64_C(1700000000123456)

/* A directory of mode 0 hides its own files and no others: postsuper skips it, too. */
static void test_blind_directory(void **state)
{
	static const struct {
		const char *name, *directory;
		enum queue_name queue; /* the message's queue; 0: it has left */
		int want;
	} cases[] = {
	    {"an earlier queue", "incoming", QUEUE_DEFERRED, PROOF_SAME},
	    {"a later queue", "hold", QUEUE_DEFERRED, PROOF_SAME},
	    {"its own", "deferred", QUEUE_DEFERRED, PROOF_ERROR},
	    {"left, perhaps into it", "hold", 0, PROOF_ERROR},
	    {"an earlier level", "deferred/0", QUEUE_HOLD, PROOF_SAME},
	    {"its own level", "deferred/0", QUEUE_DEFERRED, PROOF_ERROR},
	    {"another level", "deferred/A", QUEUE_DEFERRED, PROOF_SAME},
	    {"left, and not into this one", "deferred/A", 0, PROOF_GONE},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		enum queue_name queue = cases[n].queue ? cases[n].queue : QUEUE_ACTIVE;
		bool is_level = strchr(cases[n].directory, '/');
		struct proof proof, *states;
		struct err err = {{0}};
		char path[256], file[256];
		struct message m;
		struct queue_id id;
		struct rig rig;

		rig_open(&rig);
		snprintf(path, sizeof(path), "%s/%s", rig.spool, cases[n].directory);
		if (is_level)
			rig_directory(&rig, path);
		id = rig_mail(&rig, queue, ARRIVAL);
		if (is_level && queue == QUEUE_DEFERRED)
			rig_sink(&rig, queue, 1, &id);
		rig_path(&rig, queue, &id, file);
		if (!cases[n].queue)
			unlink(file);
		assert_int_equal(chmod(path, 0), 0);
		rig_recorded(&m, &id, ARRIVAL);
		proof = rig_prove(&rig, &m);
		if (proof.state != cases[n].want)
			case_fail(cases[n].name, "got %d", proof.state);
		case_assert(
		    cases[n].name, proof.error == (cases[n].want == PROOF_ERROR ? -EACCES : 0));
		case_assert(cases[n].name, spool_states(&rig.p, &id, 1, &states, &err) == 0);
		case_assert(cases[n].name, states[0].state == cases[n].want);
		case_assert(cases[n].name,
		    states[0].queue == (cases[n].want == PROOF_SAME ? cases[n].queue : 0));
		case_assert(cases[n].name, proof.queue == states[0].queue);
		free(states);
		assert_int_equal(chmod(path, 0700), 0);
		rig_close(&rig);
	}
}

static const struct message *hang(void *arg, size_t n)
{
	(void)n;
	raise(SIGSTOP);
	return arg;
}

/* A stopped child is killed by the stop flag, or after an absurdly long time. */
static int64_t ahead;

static int64_t steady(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000 + ahead;
}

static void test_stopped_child(void **state)
{
	static volatile sig_atomic_t stop = 1;
	struct spool_proving *proving;
	struct proof *proofs = NULL;
	struct err err = {{0}};
	struct message m;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	message_init(&m);
	rig.p.stop = &stop;
	assert_int_equal(spool_prove(&rig.p, hang, &m, 1, &proofs, &err), ERR_STOPPED);
	rig.p.stop = NULL;
	clock_inject(NULL, steady);
	assert_int_equal(spool_prove_start(&rig.p, hang, &m, 1, 0, 0, NULL, &proving, &err), 0);
	ahead = 3600 * USEC_PER_SEC;
	assert_int_equal(spool_prove_finish(proving, &proofs, NULL, &err), ERR_TIMEOUT);
	clock_inject(NULL, NULL);
	assert_null(proofs);
	rig_close(&rig);
}

static int64_t lie;

static int64_t lying_clock(void)
{
	return lie;
}

/* Runs in the child before it takes the time of its proofs, because the message may be gone. */
static const struct message *lie_about_time(void *arg, size_t n)
{
	(void)n;
	clock_inject(NULL, lying_clock);
	return arg;
}

/* A child that was taken over cannot make its proofs young, or root's sums overflow. */
static void test_lie_about_time(void **state)
{
	struct message m;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	message_init(&m);
	const int64_t now = clock_steady();
	const int64_t lies[] = {INT64_MIN, INT64_MAX, -1, 0, now - 1, now + 3600 * USEC_PER_SEC};
	for (size_t n = 0; n < COUNT_OF(lies); n++) {
		struct spool_proving *proving;
		struct proof *proofs = NULL;
		struct err err = {{0}};
		int64_t since = 0;

		lie = lies[n];
		assert_int_equal(
		    spool_prove_start(&rig.p, lie_about_time, &m, 1, 1, 0, NULL, &proving, &err),
		    0);
		if (spool_prove_finish(proving, &proofs, &since, &err) != ERR_CHILD)
			case_fail("time", "believed that it is %lld", (long long)lie);
		assert_non_null(strstr(err.text, "lied"));
		assert_null(proofs);
		assert_true(since >= now && since <= clock_steady());
	}
	rig_close(&rig);
}

static void test_no_regular_file(void **state)
{
	static const char *const kinds[] = {"symlink", "fifo", "directory"};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(kinds); n++) {
		struct queue_id id;
		char path[256];
		struct message m;
		struct rig rig;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_HOLD, ARRIVAL);
		rig_path(&rig, QUEUE_HOLD, &id, path);
		unlink(path);
		if (n == 0)
			assert_int_equal(symlink("/dev/null", path), 0);
		else if (n == 1)
			assert_int_equal(mkfifo(path, 0700), 0);
		else
			assert_int_equal(mkdir(path, 0700), 0);
		rig_own(&rig, path);
		rig_recorded(&m, &id, ARRIVAL);
		case_assert(kinds[n], rig_prove(&rig, &m).state != PROOF_SAME);
		case_assert(kinds[n], rig_prove(&rig, &m).state != PROOF_GONE);
		rig_close(&rig);
	}
}

static void test_damaged_and_empty(void **state)
{
	struct bytes junk = {0}, empty = {0};
	struct message m;
	struct proof proof;
	struct queue_id id;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	bytes_put(&junk, "no queue file at all", 20);
	id = rig_put(&rig, QUEUE_DEFERRED, &junk, 0700);
	rig_recorded(&m, &id, ARRIVAL);
	proof = rig_prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ERROR);
	assert_int_equal(proof.error, ERR_SYNTAX);

	bytes_put(&empty, "", 0);
	id = rig_put(&rig, QUEUE_INCOMING, &empty, 0600);
	rig_recorded(&m, &id, ARRIVAL);
	assert_int_equal(rig_prove(&rig, &m).state, PROOF_ARRIVING);
	bytes_release(&junk);
	rig_close(&rig);
}

/* cleanup(8) writes in buffers, so the file may end anywhere: before its client or within it. */
static void test_arriving_in_pieces(void **state)
{
	struct bytes file = {0};
	struct message m;
	struct queue_id id;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig_envelope(&file, ARRIVAL, "srs0=x@our.example");
	for (size_t len = 0; len <= file.len; len++) {
		const struct bytes piece = {.at = file.at, .len = len};

		id = rig_put(&rig, QUEUE_INCOMING, &piece, 0600);
		rig_recorded(&m, &id, ARRIVAL);
		if (rig_prove(&rig, &m).state != PROOF_ARRIVING)
			case_fail("piece", "the first %zu bytes are taken for another's", len);
	}
	bytes_release(&file);
	rig_close(&rig);
}

/* Mail submitted by another user: mail_owner cannot read it, and it has not yet been in a later
 * queue. */
static void test_unreadable(void **state)
{
	struct queue_id id, deferred;
	char path[256];
	struct message m;
	struct proof proof;
	struct rig rig;

	(void)state;
	if (geteuid() != 0)
		skip();
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_MAILDROP, ARRIVAL);
	rig_path(&rig, QUEUE_MAILDROP, &id, path);
	assert_int_equal(chown(path, 1, 1), 0);
	rig_recorded(&m, &id, ARRIVAL);
	assert_int_equal(rig_prove(&rig, &m).state, PROOF_CHANGED);

	deferred = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &deferred, path);
	assert_int_equal(chown(path, 1, 1), 0);
	rig_recorded(&m, &deferred, ARRIVAL);
	proof = rig_prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ERROR);
	assert_int_equal(proof.error, -EACCES);
	rig_close(&rig);
}

static void test_none_and_no_queue(void **state)
{
	struct message m;
	struct proof *proofs;
	struct err err = {{0}};
	struct rig rig;
	char nowhere[] = "/nonexistent/spool";

	(void)state;
	rig_open(&rig);
	assert_int_equal(spool_prove(&rig.p, rig_list_at, NULL, 0, &proofs, &err), 0);
	free(proofs);
	rig.p.queue_directory = nowhere;
	message_init(&m);
	assert_int_equal(spool_prove(&rig.p, rig_list_at, &m, 1, &proofs, &err), -ENOENT);
	assert_non_null(strstr(err.text, nowhere));
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_blind_directory), cmocka_unit_test(test_stopped_child),
    cmocka_unit_test(test_no_regular_file), cmocka_unit_test(test_damaged_and_empty),
    cmocka_unit_test(test_arriving_in_pieces), cmocka_unit_test(test_unreadable),
    cmocka_unit_test(test_none_and_no_queue), cmocka_unit_test(test_lie_about_time))
