/* SPDX-License-Identifier: ISC */
/*
 * postsuper(1), driven: argv only, `-c` with the instance, IDs from a sealed memory file as its
 * stdin, its stderr parsed per ID. It exits 0 whatever happened, so only its words count, and even
 * those are checked by whoever asked. It runs in its own process group, so that a ^C at the
 * terminal ends a chunk in order; if we are killed it still finishes its chunk, provided that the
 * program ignores SIGPIPE.
 *
 * A message that makes it die (a log that cannot be removed) is left alone, and another postsuper
 * goes on behind it, unless several do nothing but die. It is ended when it says more than 1 KiB an
 * ID and 256 KiB, is silent for POSTSUPER_SILENCE, or runs longer than POSTSUPER_LONGEST.
 */
#ifndef PQPURGE_POSTFIX_POSTSUPER_H
#define PQPURGE_POSTFIX_POSTSUPER_H

#include "mail/queue_id.h"
#include "postfix/config/instance.h"

enum postsuper_action { POSTSUPER_DELETE, POSTSUPER_HOLD, POSTSUPER_RELEASE, POSTSUPER_REQUEUE };

/* A child at work on a chunk of IDs, whose array must outlive it, as must the instance. */
struct postsuper_job {
	pid_t pid; /* -1 after it ended */
	int end; /* readable when it ended; for poll(), with a timeout; -1 where the kernel has none
		  */
	enum postsuper_action action;
	const struct queue_id *ids;
	size_t count;
	bool *said;                /* count flags: postsuper said that it did this one; owned */
	struct strbuf complaint;   /* the last warning or fatal line, scrubbed; "" if none */
	int exit_status;           /* after it ended: of the last child; 0.., or -signal */
	int64_t started, deadline; /* steady; the latter is moved on whenever an ID is done */
	/* Private. */
	const struct postfix *p;
	size_t first;       /* where this child began */
	bool *skipped;      /* count flags: what it was not given; owned */
	bool has_done;      /* this child did something */
	unsigned fruitless; /* children before it that did nothing but die */
	int output;         /* its stderr */
	struct strbuf line; /* a half line */
	bool overlong;      /* the rest of this line is skipped */
	size_t heard;       /* bytes of output */
	size_t expected;    /* the place in ids that is likely next */
};

#define POSTSUPER_SILENCE (60 * INT64_C(1000000))  /* microseconds */
#define POSTSUPER_LONGEST (600 * INT64_C(1000000)) /* microseconds */

/* Starts `command_directory/postsuper -c DIR -d -` (or -h, -H, -r), which must be root. -errno with
 * words. */
int postsuper_start(struct postsuper_job *job, const struct postfix *p,
    enum postsuper_action action, const struct queue_id *ids, size_t count,
    struct err *err) NODISCARD;
/*
 * Call when it ended or time went by: 1 it ended (all fields final), 0 it goes on. Not needed for
 * each line: what postsuper says of some thousand IDs waits in the pipe.
 */
int postsuper_advance(struct postsuper_job *job);
void postsuper_release(struct postsuper_job *job); /* only after it ended; zeroes */

#endif
