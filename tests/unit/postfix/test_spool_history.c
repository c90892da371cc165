/* SPDX-License-Identifier: ISC */
/*
 * A random history of a real spool directory: files come, move between queues and depths, go, are
 * rewritten in place or renamed onto other IDs. The proof must be right about each recorded
 * message. HISTORY_ROUNDS in the environment makes it longer.
 */
#include "tests/unit/postfix/rig.h"

#define MESSAGES 120
#define ROUNDS   12
#define MOVES    60
#define DEPTHS   3

/* A record, and the fate of its file. */
struct truth {
	struct message recorded;
	enum queue_name queue;
	unsigned depth;
	enum { HERE, GONE, ARRIVING, OTHER_SENDER, SAME_SENDER } fate;
};

static struct rig rig;
static struct truth truths[MESSAGES];
static int64_t now = INT64_C(1700000000000000);
static unsigned seed = 20261123;

static unsigned below(unsigned limit)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % limit;
}

static enum queue_name any_queue(void)
{
	return queue_at(below(QUEUE_COUNT));
}

static void path_of(const struct truth *t, char path[256])
{
	rig_path_at(&rig, t->queue, t->depth, &t->recorded.queue_id, path);
}

static void arrive(struct truth *t)
{
	struct queue_id id;

	now += 1000 + below(100000);
	t->queue = any_queue();
	t->depth = 0;
	id = rig_mail(&rig, t->queue, now);
	rig_recorded(&t->recorded, &id, now);
	t->fate = HERE;
}

static void go(struct truth *t)
{
	char path[256];

	path_of(t, path);
	if (t->fate != GONE)
		assert_int_equal(unlink(path), 0);
	t->fate = GONE;
}

static void move(struct truth *t)
{
	char from[256], to[256];

	if (t->fate == GONE)
		return;
	path_of(t, from);
	t->queue = any_queue();
	t->depth = below(DEPTHS);
	path_of(t, to);
	assert_int_equal(rename(from, to), 0);
}

/* The same name and inode, but another message: a reused queue ID. */
static void write_anew(struct truth *t, const char *sender, int fate)
{
	struct bytes file = {0};
	char path[256];
	int fd;

	if (t->fate == GONE || t->fate == ARRIVING)
		return;
	now += 1000 + below(1000000);
	rig_envelope(&file, now, sender);
	path_of(t, path);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.at, file.len), (ssize_t)file.len);
	close(fd);
	bytes_release(&file);
	t->fate = fate;
}

/* Renames the file of from, whose own message is thereby gone, onto to. */
static void rename_onto(struct truth *from, struct truth *to)
{
	char a[256], b[256];

	if (from == to || from->fate != HERE || to->fate == GONE || to->fate == ARRIVING)
		return;
	path_of(from, a);
	path_of(to, b);
	assert_int_equal(rename(a, b), 0);
	from->fate = GONE;
	to->fate = SAME_SENDER;
}

static void still_written(struct truth *t)
{
	char path[256];

	if (t->fate != HERE)
		return;
	path_of(t, path);
	assert_int_equal(chmod(path, 0600), 0);
	t->fate = ARRIVING;
}

static void befall(void)
{
	struct truth *t = &truths[below(MESSAGES)];

	switch (below(8)) {
	case 0:
		go(t);
		break;
	case 1:
		write_anew(t, "a@good.example", OTHER_SENDER);
		break;
	case 2:
		write_anew(t, "a@bad.example", SAME_SENDER);
		break;
	case 3:
		rename_onto(t, &truths[below(MESSAGES)]);
		break;
	case 4:
		still_written(t);
		break;
	case 5: /* its record is dropped, too; a new message may get its inode */
		go(t);
		arrive(t);
		break;
	default:
		move(t);
	}
}

static const struct message *get(void *arg, size_t n)
{
	(void)arg;
	return &truths[n].recorded;
}

/* A minute later, where nobody completes files. */
static bool is_stuck(const struct truth *t, const struct proof *proof)
{
	return t->fate == ARRIVING && proof->error == ERR_MODE &&
	       t->queue & (QUEUE_ACTIVE | QUEUE_DEFERRED | QUEUE_HOLD);
}

/* Whatever is expected of the first `departed`, the proofs must be right. */
static void check(size_t departed)
{
	static const enum proof_state want[] = {
	    [HERE] = PROOF_SAME,
	    [GONE] = PROOF_GONE,
	    [ARRIVING] = PROOF_ARRIVING,
	    [OTHER_SENDER] = PROOF_CHANGED,
	    [SAME_SENDER] = PROOF_UNPROVEN,
	};
	struct spool_proving *proving = NULL;
	struct proof *proofs = NULL;
	struct err err = {{0}};

	if (spool_prove_start(&rig.p, get, NULL, MESSAGES, departed, 0, NULL, &proving, &err) !=
		0 ||
	    spool_prove_finish(proving, &proofs, NULL, &err) != 0)
		case_fail("prove", "%s", err.text);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct truth *t = &truths[i];

		/* A new message's file, under another ID, may have the inode of one that is
		 * gone. */
		bool right = proofs[i].state == PROOF_ERROR ? is_stuck(t, &proofs[i])
							    : proofs[i].state == want[t->fate];
		if (!right)
			case_fail(t->recorded.queue_id.text, "fate %d, proof %d", (int)t->fate,
			    (int)proofs[i].state);
		if (t->fate == HERE && proofs[i].queue != t->queue)
			case_fail(t->recorded.queue_id.text, "in queue %d, proven in %d",
			    (int)t->queue, (int)proofs[i].queue);
		if (t->fate == HERE && proofs[i].depth != t->depth)
			case_fail(t->recorded.queue_id.text, "at depth %u, proven at %d", t->depth,
			    (int)proofs[i].depth);
	}
	free(proofs);
}

static void test_history(void **state)
{
	const char *text = getenv("HISTORY_ROUNDS");
	long rounds = text ? atol(text) : ROUNDS;
	(void)state;

	rig_open(&rig);
	for (size_t i = 0; i < MESSAGES; i++)
		arrive(&truths[i]);
	for (long i = 0; i < rounds; i++) {
		check(0);
		check(below(MESSAGES));
		check(MESSAGES);
		for (int n = 0; n < MOVES; n++)
			befall();
	}
	check(0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_history)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
