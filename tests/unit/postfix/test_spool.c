/* SPDX-License-Identifier: ISC */
/* Proofs and states on a spool of crafted files. */
#include "tests/unit/postfix/rig.h"

#include <sys/mman.h>

#include <signal.h>
#include <time.h>

#include "base/clock.h"

#define ARRIVAL INT64_C(1700000000123456)

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
		proof = rig_prove(&rig, &m);
		case_assert(queue_word(queue_at(n)), proof.state == PROOF_SAME);
		case_assert(queue_word(queue_at(n)), proof.queue == queue_at(n));
		case_assert(queue_word(queue_at(n)), proof.arrival_time == ARRIVAL);
		case_assert(queue_word(queue_at(n)), proof.size == 1234);
	}
	rig_close(&rig);
}

/* Files are found at every depth, whatever main.cf says now or said before. */
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
		proof = rig_prove(&rig, &m);
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
		proof = rig_prove(&rig, &m);
		if (proof.state != cases[n].want)
			case_fail(cases[n].name, "got %d, want %d", proof.state, cases[n].want);
		bytes_release(&file);
		rig_close(&rig);
	}
}

/* One name in two queues: by flow order, or the one that is asked for. */
static void test_two_queues(void **state)
{
	static const enum queue_name first[] = {0, QUEUE_HOLD, QUEUE_DEFERRED, QUEUE_INCOMING};
	struct message m;
	struct queue_id id;
	struct rig rig;
	char from[256], to[256];

	(void)state;
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_HOLD, ARRIVAL);
	rig_recorded(&m, &id, ARRIVAL);
	rig_path(&rig, QUEUE_HOLD, &id, from);
	rig_path(&rig, QUEUE_DEFERRED, &id, to);
	assert_int_equal(link(from, to), 0);
	for (size_t n = 0; n < COUNT_OF(first); n++) {
		struct spool_proving *proving = NULL;
		struct proof *proof = NULL;

		assert_int_equal(spool_prove_start(
				     &rig.p, rig_list_at, &m, 1, 0, first[n], NULL, &proving, NULL),
		    0);
		assert_int_equal(spool_prove_finish(proving, &proof, NULL, NULL), 0);
		assert_int_equal(proof->state, PROOF_SAME);
		assert_int_equal(
		    proof->queue, first[n] == QUEUE_HOLD ? QUEUE_HOLD : QUEUE_DEFERRED);
		free(proof);
	}
	rig_close(&rig);
}

/* When a file's mode is no longer that of a moment. */
static int64_t later(void)
{
	return ((int64_t)time(NULL) + 100) * USEC_PER_SEC;
}

/* Mode 0600 where nobody completes it: unreadable, for a proof and for a look by name. */
static void test_stuck(void **state)
{
	struct bytes file = {0};
	struct proof proof, *states = NULL;
	struct message m;
	struct queue_id id;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig_envelope(&file, ARRIVAL, "a@bad.example");
	id = rig_put(&rig, QUEUE_DEFERRED, &file, 0600);
	rig_recorded(&m, &id, ARRIVAL);
	proof = rig_prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ARRIVING);
	clock_inject(later, NULL);
	proof = rig_prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_ERROR);
	assert_int_equal(proof.error, ERR_MODE);
	assert_int_equal(proof.queue, QUEUE_DEFERRED);
	assert_int_equal(spool_states(&rig.p, &id, 1, &states, NULL), 0);
	assert_int_equal(states[0].state, PROOF_ERROR);
	assert_int_equal(states[0].error, ERR_MODE);
	clock_inject(NULL, NULL);
	free(states);
	bytes_release(&file);
	rig_close(&rig);
}

/* Another message's file renamed onto the ID: only its inode and its T record show it. */
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
	assert_int_equal(rig_prove(&rig, &m).state, PROOF_CHANGED);
	rig_close(&rig);
}

/* postsuper would take a second file of that name in an earlier queue. */
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
	proof = rig_prove(&rig, &m);
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
	proof = rig_prove(&rig, &m);
	assert_int_equal(proof.state, PROOF_GONE);
	assert_int_equal(proof.queue, 0);
	rig_close(&rig);
}

static const struct message *alternate_at(void *arg, size_t n)
{
	const struct message *two = arg;
	return &two[n % 3 == 0];
}

/* With so many that two children share the work, each proof still goes to its message. */
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
		if (spool_prove_start(
			&rig.p, alternate_at, two, MANY, departed, 0, NULL, &proving, &err) < 0 ||
		    spool_prove_finish(proving, &proofs, NULL, &err) < 0)
			fail_msg("%s", err.text);
		for (size_t n = 0; n < MANY; n++)
			assert_int_equal(proofs[n].state, n % 3 == 0 ? PROOF_SAME : PROOF_GONE);
		free(proofs);
	}
	rig_close(&rig);
}

/* The prover stands still once it has proven one. */
struct slow {
	const struct message *message;
	_Atomic int64_t *second; /* shared; when the second was asked for */
};

static const struct message *slow_at(void *arg, size_t n)
{
	const struct slow *slow = arg;
	int64_t now = clock_steady();

	if (n == 1) {
		*slow->second = now;
		while (clock_steady() < now + 5000)
			;
	}
	return slow->message;
}

/* Age counts from the first proof, not from the end. */
static void test_age(void **state)
{
	_Atomic int64_t *second =
	    mmap(NULL, sizeof *second, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct spool_proving *proving;
	struct message message;
	struct slow slow = {.message = &message, .second = second};
	struct proof *proofs;
	int64_t began = clock_steady(), since = 0;
	struct queue_id id;
	struct rig rig;

	(void)state;
	assert_true(second != MAP_FAILED);
	rig_open(&rig);
	id = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
	rig_recorded(&message, &id, ARRIVAL);
	assert_int_equal(
	    spool_prove_start(&rig.p, slow_at, &slow, 2, 0, 0, NULL, &proving, NULL), 0);
	assert_int_equal(spool_prove_finish(proving, &proofs, &since, NULL), 0);
	assert_true(*second > 0);
	assert_true(since >= began && since <= *second);
	free(proofs);
	rig_close(&rig);
	munmap(second, sizeof *second);
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
    cmocka_unit_test(test_judgements), cmocka_unit_test(test_stuck),
    cmocka_unit_test(test_two_queues), cmocka_unit_test(test_renamed_onto),
    cmocka_unit_test(test_earlier_queue_counts), cmocka_unit_test(test_gone),
    cmocka_unit_test(test_many), cmocka_unit_test(test_age), cmocka_unit_test(test_states))
