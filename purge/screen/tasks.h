/* SPDX-License-Identifier: ISC */
/* The work of the screen's children. Each function is a job_work; arg is a struct task. */
#pragma once

#include "purge/screen/job.h"
#include "purge/screen/model.h"
#include "purge/session.h"

enum task_kind { TASK_GROUPS, TASK_MESSAGES, TASK_TEXT, TASK_SYNC, TASK_KINDS };

struct task {
	struct session *s;
	enum group_kind kind; /* of groups */
	char like[SCREEN_FILTER_MAX + 1];
	size_t limit;
	struct strbuf words; /* a command line, packed */
};

/* The program's name, the settings file and the verb. */
void task_words(struct task *t, const char *verb);
void task_add(struct task *t, const char *word);
void task_add_all(struct task *t, const struct strbuf *packed);

/* Writes TASK_KEPT and the daemon's counts. Without counts, writes TASK_COUNTED and the lines of
 * `top --json`, and the reason on stderr. */
#define TASK_KEPT    'k'
#define TASK_COUNTED 't'
int task_groups(void *arg);
/* Runs the words. */
int task_command(void *arg);
/* Runs the words with stderr on stdout. */
int task_text(void *arg);
/* Shows the effect of a block, asks, and blocks. The verb itself asks only when in doubt. */
int task_block(void *arg);
/* Runs the words, then waits for Enter. */
int task_act(void *arg);
