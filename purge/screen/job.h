/* SPDX-License-Identifier: ISC */
/* Children of the screen that run verbs as the command line would. One that looks has its output
 * read while the screen goes on; one that acts has the terminal to itself. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define JOB_OUTPUT_MAX ((size_t)16 << 20) /* bytes; more is left out */

/* Zero-initialise. */
struct job {
	pid_t pid; /* 0: none runs */
	int fd;    /* its output, for poll() */
	int complaints;
	int64_t began; /* steady */
	struct strbuf out;
	bool cut; /* there was more than JOB_OUTPUT_MAX */
};

/* What a child does; returns its exit status. */
typedef int job_work(void *arg);

/* Starts a child whose stdout comes through job->fd. 0 or -errno. */
int job_start(struct job *job, job_work *work, void *arg) NODISCARD;
/* Reads what there is: 1 more will come, 0 it ended. */
int job_read(struct job *job);
/* After its end: the exit status (-1: a signal), and the first line of its stderr. job->out stays
 * until job_release. */
int job_finish(struct job *job, char *complaint, size_t size);
/* Ends it if it runs, and frees its output. */
void job_release(struct job *job);

/* Runs a child that has the terminal, and waits for it: its exit status, -1: a signal. ^C is its
 * affair alone. */
int job_act(job_work *work, void *arg);

/* Runs pqpurge-idx with these words (packed), in this process. Returns the exit status. */
int job_command(const struct strbuf *words);
