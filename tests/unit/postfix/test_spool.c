/* SPDX-License-Identifier: ISC */
/* Proofs and states on a spool of crafted files. */
#include "tests/unit/postfix/rig.h"

#include <signal.h>

#include "base/clock.h"

#define ARRIVAL INT64_C(1700000000123456)

static const struct message *list_at(void *arg, size_t n)
{
	const struct message *list = arg;
	return &list[n];
}

/* One message, proven as the command does it: in a child that is the owner. */
static struct proof prove(const struct rig *rig, struct message *m)
{
	struct proof *proofs, proof;
	struct err err = {{0}};

	if (spool_prove(&rig->p, list_at, m, 1, &proofs, &err) < 0)
		fail_msg("%s", err.text);
	proof = *proofs;
	free(proofs);
	return proof;
}

static void test_same_in_every_queue(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (unsigned n = 0; n < QUEUE_COUNT; n++) {
		struct queue_id id = rig_mail(&rig, queue_at(n), ARRIVAL);
		struct message m;
		struct proof proof;

		rig_recorded(&m, &id, ARRIVAL);
		proof = prove(&rig, &m);
		case_assert(queue_word(queue_at(n)), proof.state == PROOF_SAME);
		case_assert(queue_word(queue_at(n)), proof.queue == queue_at(n));
		case_assert(queue_word(queue_at(n)), proof.arrival_time == ARRIVAL);
		case_assert(queue_word(queue_at(n)), proof.size == 1234);
	}
	rig_close(&rig);
}

/* Whatever main.cf says, and however it was before: files are found at every depth. */
static void test_every_depth(void **state)
{
	static const struct {
		const char *name;
		unsigned hashed, main_depth, depth;
	} cases[] = {
	    {"as main.cf has it", QUEUE_DEFERRED, 2, 2},
	    {"main.cf became deeper", QUEUE_DEFERRED, 2, 1},
	    {"main.cf became shallower", QUEUE_DEFERRED, 1, 3},
	    {"not hashed any more", 0, 1, 1},
	    {"hashed now", QUEUE_DEFERRED, 1, 0},
	    {"deepest", 0, 1, HASH_DEPTH_MAX},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct proof proof, *states;
		struct err err = {{0}};
		struct message m;
		struct queue_id id;
		struct rig rig;

		rig_open(&rig);
		id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
		rig_sink(&rig, QUEUE_DEFERRED, cases[n].depth, &id);
		rig.p.hashed_queues = cases[n].hashed;
		rig.p.hash_depth = cases[n].main_depth;
		rig_recorded(&m, &id, ARRIVAL);
		proof = prove(&rig, &m);
		case_assert(cases[n].name, proof.state == PROOF_SAME);
		case_assert(cases[n].name, proof.queue == QUEUE_DEFERRED);
		case_assert(cases[n].name, proof.depth == cases[n].depth);
		case_assert(cases[n].name, spool_states(&rig.p, &id, 1, &states, &err) == 0);
		case_assert(cases[n].name, states[0].state == PROOF_SAME);
		case_assert(cases[n].name, states[0].depth == cases[n].depth);
		free(states);
		rig_close(&rig);
	}
}

/* A directory of mode 0 hides what is in it, and nothing else: postsuper passes over it, too. */
static void test_blind_directory(void **state)
{
	static const struct {
		const char *name, *directory;
		enum queue_name queue; /* where the message lies; 0: it has left */
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
		proof = prove(&rig, &m);
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

/* A child that is stopped is ended by the stop flag, or when it takes absurdly long. */
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
	assert_int_equal(spool_prove_start(&rig.p, hang, &m, 1, 0, &proving, &err), 0);
	ahead = 3600 * USEC_PER_SEC;
	assert_int_equal(spool_prove_finish(proving, &proofs, &err), ERR_TIMEOUT);
	clock_inject(NULL, NULL);
	assert_null(proofs);
	rig_close(&rig);
}

static void test_judgements(void **state)
{
	static const struct {
		const char *name;
		int64_t shift; /* the file's arrival against the record's window */
		const char *sender;
		mode_t mode;
		int want;
	} cases[] = {
	    {"the same", 0, "a@bad.example", 0700, PROOF_SAME},
	    {"rewritten sender", 0, "srs0=x@our.example", 0700, PROOF_SAME},
	    {"flags of qmgr in the group's bits", 0, "a@bad.example", 0750, PROOF_SAME},
	    {"a second later", 1000000, "other@good.example", 0700, PROOF_CHANGED},
	    {"just before the window", -101, "other@good.example", 0700, PROOF_CHANGED},
	    {"just behind the window", 101, "other@good.example", 0700, PROOF_CHANGED},
	    {"at its edge", 100, "other@good.example", 0700, PROOF_SAME},
	    {"another arrival, our sender", 1000000, "a@bad.example", 0700, PROOF_UNPROVEN},
	    {"arriving", 0, "a@bad.example", 0600, PROOF_ARRIVING},
	    {"arriving, and another's", 1000000, "other@good.example", 0600, PROOF_CHANGED},
	};

	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct bytes file = {0};
		struct message m;
		struct queue_id id;
		struct rig rig;
		struct proof proof;

		rig_open(&rig);
		rig_envelope(&file, ARRIVAL + cases[n].shift, cases[n].sender);
		id = rig_put(&rig, QUEUE_INCOMING, &file, cases[n].mode);
		rig_recorded(&m, &id, ARRIVAL);
		proof = prove(&rig, &m);
		if (proof.state != cases[n].want)
			case_fail(cases[n].name, "got %d, want %d", proof.state, cases[n].want);
		bytes_release(&file);
		rig_close(&rig);
	}
}

/* Another message's file renamed onto the ID: only its inode and its T record tell. */
static void test_renamed_onto(void **state)
{
	struct queue_id id, other;
	char from[256], to[256];
	struct message m;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	other = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &other, from);
	rig_path(&rig, QUEUE_DEFERRED, &id, to);
	assert_int_equal(rename(from, to), 0);
	rig_recorded(&m, &id, ARRIVAL);
	m.sender = "somebody@else.example";
	assert_int_equal(prove(&rig, &m).state, PROOF_CHANGED);
	rig_close(&rig);
}

/* A second file of the same name in an earlier queue is what postsuper would take. */
static void test_earlier_queue_counts(void **state)
{
	struct queue_id id, other;
	char from[256], to[256];
	struct message m;
	struct proof proof;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	other = rig_mail(&rig, QUEUE_ACTIVE, ARRIVAL + 5000000);
	rig_path(&rig, QUEUE_ACTIVE, &other, from);
	rig_path(&rig, QUEUE_ACTIVE, &id, to);
	assert_int_equal(rename(from, to), 0);
	rig_recorded(&m, &id, ARRIVAL);
	m.sender = "somebody@else.example";
	proof = prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_CHANGED);
	assert_int_equal(proof.queue, QUEUE_ACTIVE);
	rig_close(&rig);
}

static void test_gone(void **state)
{
	struct queue_id id;
	char path[256];
	struct message m;
	struct proof proof;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &id, path);
	assert_int_equal(unlink(path), 0);
	rig_recorded(&m, &id, ARRIVAL);
	proof = prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_GONE);
	assert_int_equal(proof.queue, 0);
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
		case_assert(kinds[n], prove(&rig, &m).state != PROOF_SAME);
		case_assert(kinds[n], prove(&rig, &m).state != PROOF_GONE);
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
	proof = prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ERROR);
	assert_int_equal(proof.error, ERR_SYNTAX);

	bytes_put(&empty, "", 0);
	id = rig_put(&rig, QUEUE_INCOMING, &empty, 0600);
	rig_recorded(&m, &id, ARRIVAL);
	assert_int_equal(prove(&rig, &m).state, PROOF_ARRIVING);
	bytes_release(&junk);
	rig_close(&rig);
}

/* cleanup(8) writes by buffers: ours may end anywhere, before its client or in the middle of it. */
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
		if (prove(&rig, &m).state != PROOF_ARRIVING)
			case_fail("piece", "the first %zu bytes are taken for another's", len);
	}
	bytes_release(&file);
	rig_close(&rig);
}

/* Mail that another user submitted: mail_owner cannot read it, and it was never in a later queue.
 */
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
	assert_int_equal(prove(&rig, &m).state, PROOF_CHANGED);

	deferred = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &deferred, path);
	assert_int_equal(chown(path, 1, 1), 0);
	rig_recorded(&m, &deferred, ARRIVAL);
	proof = prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ERROR);
	assert_int_equal(proof.error, -EACCES);
	rig_close(&rig);
}

static const struct message *alternate_at(void *arg, size_t n)
{
	const struct message *two = arg;
	return &two[n % 3 == 0];
}

/* Past the size from which two children share the work every proof is still where it belongs. */
static void test_many(void **state)
{
	enum { MANY = 4097 };
	struct message two[2];
	struct spool_proving *proving;
	struct proof *proofs;
	struct err err = {{0}};
	struct queue_id id, gone;
	char path[256];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	gone = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_path(&rig, QUEUE_DEFERRED, &gone, path);
	unlink(path);
	rig_recorded(&two[0], &gone, ARRIVAL);
	rig_recorded(&two[1], &id, ARRIVAL);
	for (size_t departed = 0; departed <= MANY; departed += 1000) {
		if (spool_prove_start(&rig.p, alternate_at, two, MANY, departed, &proving, &err) <
			0 ||
		    spool_prove_finish(proving, &proofs, &err) < 0)
			fail_msg("%s", err.text);
		for (size_t n = 0; n < MANY; n++)
			assert_int_equal(proofs[n].state, n % 3 == 0 ? PROOF_SAME : PROOF_GONE);
		free(proofs);
	}
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
	assert_int_equal(spool_prove(&rig.p, list_at, NULL, 0, &proofs, &err), 0);
	free(proofs);
	rig.p.queue_directory = nowhere;
	message_init(&m);
	assert_int_equal(spool_prove(&rig.p, list_at, &m, 1, &proofs, &err), -ENOENT);
	assert_non_null(strstr(err.text, nowhere));
	rig_close(&rig);
}

static void test_states(void **state)
{
	struct queue_id ids[3];
	struct proof *states;
	struct bytes file = {0};
	struct err err = {{0}};
	char path[256];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig_envelope(&file, ARRIVAL, "x@y.example");
	ids[0] = rig_put(&rig, QUEUE_ACTIVE, &file, 0700);
	ids[1] = rig_put(&rig, QUEUE_INCOMING, &file, 0600);
	ids[2] = rig_put(&rig, QUEUE_HOLD, &file, 0700);
	rig_path(&rig, QUEUE_HOLD, &ids[2], path);
	unlink(path);
	if (spool_states(&rig.p, ids, 3, &states, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(states[0].state, PROOF_SAME);
	assert_int_equal(states[0].queue, QUEUE_ACTIVE);
	assert_int_equal(states[1].state, PROOF_ARRIVING);
	assert_int_equal(states[1].queue, QUEUE_INCOMING);
	assert_int_equal(states[2].state, PROOF_GONE);
	free(states);
	bytes_release(&file);
	rig_close(&rig);
}

UNIT_MAIN(cmocka_unit_test(test_same_in_every_queue), cmocka_unit_test(test_every_depth),
    cmocka_unit_test(test_blind_directory), cmocka_unit_test(test_stopped_child),
    cmocka_unit_test(test_judgements), cmocka_unit_test(test_renamed_onto),
    cmocka_unit_test(test_earlier_queue_counts), cmocka_unit_test(test_gone),
    cmocka_unit_test(test_no_regular_file), cmocka_unit_test(test_damaged_and_empty),
    cmocka_unit_test(test_arriving_in_pieces), cmocka_unit_test(test_unreadable),
    cmocka_unit_test(test_many), cmocka_unit_test(test_none_and_no_queue),
    cmocka_unit_test(test_states))
