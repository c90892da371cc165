/* SPDX-License-Identifier: ISC */
/*
 * The part of the queue that a catch-up leaves to the index is found although the index stops
 * answering. The test replaces fork() and getdents64(): an event happens at the nth fork of a pass,
 * or at the first name of a walk.
 */
#include "tests/unit/order/walk.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sys/syscall.h>

static struct {
	struct walk *w;
	pid_t pid;
	void (*at_fork[3])(struct walk *w); /* events in this process; NULL: none */
	void (*at_walk)(struct walk *w);
	unsigned forks;
} plan;

pid_t fork(void)
{
	pid_t (*next)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	struct walk *w = plan.w;

	if (w && getpid() == plan.pid) {
		unsigned n = plan.forks++;

		plan.w = NULL; /* the event may fork */
		if (n < COUNT_OF(plan.at_fork) && plan.at_fork[n])
			plan.at_fork[n](w);
		plan.w = w;
	}
	return next();
}

ssize_t getdents64(int fd, void *buffer, size_t size)
{
	if (plan.w && plan.at_walk)
		plan.at_walk(plan.w);
	plan.at_walk = NULL;
	return syscall(SYS_getdents64, fd, buffer, size);
}

/* The walker also owns the index. */
static void lock_index(struct walk *w)
{
	(void)!chmod(w->index, 0);
}

static void somebody_reads(struct walk *w)
{
	catch_up(w);
}

/* The forks of a pass: for the selection, the catch-up, and the last selection. An acting pass has
 * others in between. */
static const struct {
	const char *name;
	enum action action;
	bool dry_run;
	void (*at_last_fork)(struct walk *w), (*at_walk)(struct walk *w);
} cases[] = {
    {"answers", ACTION_LIST, false, NULL, NULL},
    {"not the last selection", ACTION_LIST, false, lock_index, NULL},
    {"not the catch-up", ACTION_LIST, false, NULL, lock_index},
    {"not the catch-up of a dry run", ACTION_DELETE, true, NULL, lock_index},
    {"not the last selection of a dry run", ACTION_DELETE, true, lock_index, NULL},
    {"not the catch-up beside", ACTION_DELETE, false, NULL, lock_index},
};

static void test_read_by_somebody_else(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		bool deletes = cases[n].action == ACTION_DELETE && !cases[n].dry_run;
		bool lost = cases[n].at_last_fork || cases[n].at_walk;
		struct walk w;

		open_walk(&w, cases[n].action);
		fill(&w, QUEUE_DEFERRED);
		catch_up(&w);
		struct queue_id late = rig_mail(&w.rig, QUEUE_DEFERRED, ARRIVAL + 100);
		w.order.dry_run = cases[n].dry_run;
		plan = (typeof(plan)){.w = &w,
		    .pid = getpid(),
		    .at_fork = {NULL, somebody_reads, cases[n].at_last_fork},
		    .at_walk = cases[n].at_walk};
		run_domain(&w);
		plan.w = NULL;
		case_assert(cases[n].name, w.outcome.no_index == lost);
		case_assert(cases[n].name, (w.outcome.no_index_why.text[0] != '\0') == lost);
		case_assert(
		    cases[n].name, results(&w, deletes ? RESULT_DONE : RESULT_READY) == MAILS + 1);
		case_assert(cases[n].name, lies_in(&w, QUEUE_DEFERRED, &late) == !deletes);
		case_assert(cases[n].name, w.outcome.trouble.text[0] == '\0');
		assert_int_equal(chmod(w.index, 0755), 0);
		close_walk(&w);
	}
}

UNIT_MAIN(cmocka_unit_test(test_read_by_somebody_else))
