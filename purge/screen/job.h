/* SPDX-License-Identifier: ISC */
/* The screen's children, which run verbs as the command line does. While a child that only looks
 * runs, the screen goes on and reads its output. A child that acts gets the terminal to itself. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define JOB_OUTPUT_MAX ((size_t)16 << 20) /* bytes; further output is dropped */

/* Zero-initialise. */
struct job {
	pid_t pid; /* 0: no child */
	int fd;    /* its output, for poll() */
	int complaints;
	int64_t began; /* steady */
	struct strbuf out;
	bool cut; /* at JOB_OUTPUT_MAX */
};

/* Runs in the child; returns its exit status. */
typedef int job_work(void *arg);

/* The child's stdout comes through job->fd. 0 or -errno. */
int job_start(struct job *job, job_work *work, void *arg) NODISCARD;
/* Reads the output that is there. 1: more will come; 0: it ended. */
int job_read(struct job *job);
/* After the end. Returns the exit status (-1: a signal) and the first line of stderr. job->out
 * stays until job_release. */
int job_finish(struct job *job, char *complaint, size_t size);
/* Ends the child if it runs, and frees its output. */
void job_release(struct job *job);

/* Gives the terminal to a child, and waits for it. Returns its exit status, or -1: a signal. ^C
 * goes to the child alone. */
int job_act(job_work *work, void *arg);

/* Runs pqpurge-idx with these words (packed) in this process. Returns the exit status. */
int job_command(const struct strbuf *words);
