/* SPDX-License-Identifier: ISC */
/* The account of a walk: its file, and commands that are killed. */
#ifndef PQPURGE_TESTS_ACCOUNT_H
#define PQPURGE_TESTS_ACCOUNT_H

#include "tests/unit/order/walk.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/io.h"

static inline void log_path(const struct walk *w, char path[128])
{
	snprintf(path, 128, "%s/log", w->state);
}

static inline void append_log(const struct walk *w, const char *text, size_t len)
{
	char path[128];
	int fd;

	log_path(w, path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, len), 0);
	close(fd);
	rig_own(&w->rig, path);
}

/* The child that holds the batch's lock dies a moment after its parent. */
static inline void await_death(struct walk *w)
{
	struct batches batches;
	bool running = true;

	while (running) {
		running = newest(w, &batches)->running;
		batches_release(&batches);
		poll(NULL, 0, running ? 5 : 0);
	}
}

/* Runs the order in its own process. Its postsuper first does body, then kills it. */
static inline void run_killed_after(struct walk *w, const char *body)
{
	char script[64];
	int status;
	pid_t pid;

	snprintf(script, sizeof(script), "%s; kill -9 $PPID", body);
	rig_postsuper(&w->rig, script);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct outcome ignored;

		_exit(order_run(&w->order, &ignored, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	await_death(w);
	rig_postsuper(&w->rig, "honest");
}

static inline void run_killed(struct walk *w)
{
	run_killed_after(w, "honest");
}

static inline void open_killed(struct walk *w, enum action action)
{
	open_walk(w, action);
	fill(w, QUEUE_DEFERRED);
	ask_for(w, &w->selector.author, "bad.example");
	run_killed(w);
}

static inline void undo(struct walk *w, uint64_t *number)
{
	w->order.action = ACTION_RELEASE;
	w->order.verb = "undo";
	w->order.undo = number;
	w->order.undo_count = 1;
	w->order.overdue = true;
	run(w);
}

#endif
