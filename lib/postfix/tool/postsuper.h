/* SPDX-License-Identifier: ISC */
/* Runs postsuper(1), without a shell. It reads the IDs from a sealed memory file as its stdin; we
 * parse its stderr. postsuper exits 0 whatever happened, so only its words count, and the caller
 * verifies even those.
 *
 * postsuper has its own process group. So after ^C, or if we are killed, it finishes its chunk (if
 * our program ignores SIGPIPE).
 *
 * If postsuper dies at a message (because it cannot remove a log), another postsuper continues
 * after that message, unless FRUITLESS_MAX in a row achieved nothing. We kill a postsuper that
 * writes more than 256 KiB plus 1 KiB per ID, is silent for POSTSUPER_SILENCE, or runs for
 * POSTSUPER_LONGEST. */
#pragma once

#include "mail/queue_id.h"
#include "postfix/spool/queue.h"

enum postsuper_action { POSTSUPER_DELETE, POSTSUPER_HOLD, POSTSUPER_RELEASE, POSTSUPER_REQUEUE };

/* A running postsuper. ids and p must outlive it. */
struct postsuper_job {
	pid_t pid; /* -1 after it ended */
	int end;   /* for poll() with a timeout: child_watch */
	enum postsuper_action action;
	enum queue_name queue; /* 0: all */
	const struct queue_id *ids;
	size_t count;
	bool *said;              /* count flags: reported as done; owned */
	struct strbuf complaint; /* the last warning or fatal line, scrubbed, or "" */
	int exit_status; /* of the last child, after its end; -signal if a signal ended it */
	int64_t started, deadline; /* steady; each done ID extends the deadline */
	/* Private. */
	const struct postfix *p;
	size_t first;       /* the first ID that this child got */
	bool *skipped;      /* count flags: withheld from this child; owned */
	bool has_done;      /* this child did at least one ID */
	unsigned fruitless; /* children in a row that died without doing any ID */
	int output;         /* the child's stderr */
	struct strbuf line; /* incomplete */
	bool overlong;      /* skip the rest of this line */
	size_t heard;       /* bytes of output */
	size_t expected;    /* the ID that will likely be reported next */
};

#define POSTSUPER_SILENCE (60 * INT64_C(1000000))  /* microseconds */
#define POSTSUPER_LONGEST (600 * INT64_C(1000000)) /* microseconds */
#define POSTSUPER_ORPHAN  (10 * INT64_C(1000000))  /* microseconds */

/* `command_directory/postsuper -c DIR -d -` (or -h, -H, -r) as root. It looks only in queue, or for
 * 0 in all queues in flow order. -errno with words. */
int postsuper_start(struct postsuper_job *job, const struct postfix *p,
    enum postsuper_action action, enum queue_name queue, const struct queue_id *ids, size_t count,
    struct err *err) NODISCARD;
/* Call it when `end` is readable, and also from time to time: the pipe holds the output for only
 * some thousand IDs. Returns 1 when postsuper ended (all fields are final), 0 while it runs. */
int postsuper_advance(struct postsuper_job *job);
void postsuper_release(struct postsuper_job *job); /* only after it ended */

/* Waits until no postsuper that outlived its command is at work. Each one holds a shared flock(2)
 * on the directory "private" of the queue while it lives. Returns 0, ERR_STOPPED, or ERR_TIMEOUT
 * after POSTSUPER_ORPHAN. */
int postsuper_await_orphans(const struct postfix *p, struct err *err) NODISCARD;
