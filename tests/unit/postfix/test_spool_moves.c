/* SPDX-License-Identifier: ISC */
/*
 * A message that Postfix retries while we look for it, at every possible moment: before one of our
 * looks at its name, or at a queue, it moves from deferred to another queue, and before a later
 * look, or never, back. It is in the queue all the time, so it is never gone.
 */
#include "tests/unit/postfix/rig.h"

#include <dlfcn.h>

#define ARRIVAL INT64_C(1700000000123456)
#define MANY    40 /* so many that queues are listed */
#define NEVER   1000000

static struct plan {
	const char *name; /* of the moving message */
	char rest[256], active[256];
	unsigned leaves, comes_back; /* the look before which it moves */
	unsigned looks;
} * plan; /* shared with the child */

static void move(const char *from, const char *to)
{
	assert_int_equal(rename(from, to), 0);
}

static bool is_queue(const char *path)
{
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (strcmp(path, queue_word(queue_at(n))) == 0)
			return true;
	return false;
}

static void look(const char *path)
{
	const char *last = strrchr(path, '/');

	if (!plan || !plan->name ||
	    (strcmp(last ? last + 1 : path, plan->name) != 0 && !is_queue(path)))
		return;
	if (plan->looks == plan->leaves)
		move(plan->rest, plan->active);
	if (plan->looks == plan->comes_back)
		move(plan->active, plan->rest);
	plan->looks++;
}

int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	int (*next)(int, const char *, struct stat *, int) =
	    (int (*)(int, const char *, struct stat *, int))dlsym(RTLD_NEXT, "fstatat");

	look(path);
	return next(dir, path, st, flags);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) =
	    (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");

	look(path);
	return next(dir, path, flags);
}

/* ---- ways to look */

static struct message messages[MANY];
static struct queue_id ids[MANY];

static const struct message *message_at(void *arg, size_t n)
{
	(void)arg;
	return &messages[n];
}

static void take(int code, struct proof **proofs, const struct err *err, struct proof *ret)
{
	if (code < 0)
		fail_msg("%s", err->text);
	*ret = (*proofs)[0];
	free(*proofs);
}

static struct proof ask_states(const struct postfix *p, size_t count, size_t departed)
{
	struct err err = {{0}};
	struct proof *proofs = NULL, first = {0};

	(void)departed;
	take(spool_states(p, ids, count, &proofs, &err), &proofs, &err, &first);
	return first;
}

static struct proof ask_proofs(const struct postfix *p, size_t count, size_t departed)
{
	struct err err = {{0}};
	struct spool_proving *look = NULL;
	struct proof *proofs = NULL, first = {0};
	int code = spool_prove_start(p, message_at, NULL, count, departed, 0, NULL, &look, &err);

	code = code ?: spool_prove_finish(look, &proofs, NULL, &err);
	take(code, &proofs, &err, &first);
	return first;
}

static const struct {
	const char *name;
	struct proof (*ask)(const struct postfix *p, size_t count, size_t departed);
	size_t count, departed;
	const char *to;
} cases[] = {
    {"states", ask_states, 1, 0, "active"},
    {"states, by flush(8)", ask_states, 1, 0, "incoming"},
    {"states of many", ask_states, MANY, 0, "active"},
    {"states of many, by flush(8)", ask_states, MANY, 0, "incoming"},
    {"proofs", ask_proofs, 1, 0, "active"},
    {"proofs of many", ask_proofs, MANY, 0, "active"},
    {"proofs of what departed", ask_proofs, MANY, MANY, "active"},
    {"proofs of what departed, by flush(8)", ask_proofs, MANY, MANY, "incoming"},
};

/* Returns the number of looks. */
static unsigned try_one(const struct rig *rig, size_t n, unsigned leaves, unsigned comes_back)
{
	struct proof proof;
	char text[96];

	plan->looks = 0;
	plan->leaves = leaves;
	plan->comes_back = comes_back;
	snprintf(
	    plan->active, sizeof(plan->active), "%s/%s/%s", rig->spool, cases[n].to, plan->name);
	proof = cases[n].ask(&rig->p, cases[n].count, cases[n].departed);
	snprintf(
	    text, sizeof(text), "%s: before look %u, and %u", cases[n].name, leaves, comes_back);
	case_assert(text, proof.state == PROOF_SAME);
	if (access(plan->rest, F_OK) != 0)
		move(plan->active, plan->rest);
	return plan->looks;
}

static void test_tried_again(void **state)
{
	struct rig rig;

	(void)state;
	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(plan != MAP_FAILED);
	rig_open(&rig);
	for (size_t n = 0; n < MANY; n++) {
		ids[n] = rig_mail(&rig, QUEUE_DEFERRED, ARRIVAL);
		rig_recorded(&messages[n], &ids[n], ARRIVAL);
	}
	for (size_t n = 1; n < MANY; n++) { /* the others have left */
		char path[256];

		rig_path(&rig, QUEUE_DEFERRED, &ids[n], path);
		assert_int_equal(unlink(path), 0);
	}
	rig_path(&rig, QUEUE_DEFERRED, &ids[0], plan->rest);
	plan->name = ids[0].text;
	for (size_t n = 0; n < COUNT_OF(cases); n++)
		for (unsigned leaves = 0; try_one(&rig, n, leaves, NEVER) > leaves; leaves++) {
			unsigned back = leaves + 1;

			while (try_one(&rig, n, leaves, back) > back)
				back++;
		}
	plan->name = NULL;
	rig_close(&rig);
	munmap(plan, sizeof(*plan));
	plan = NULL;
}

UNIT_MAIN(cmocka_unit_test(test_tried_again))
