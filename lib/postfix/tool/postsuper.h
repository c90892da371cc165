/* SPDX-License-Identifier: ISC */
/*
 * Runs postsuper(1), without a shell, on IDs in a sealed memory file as its stdin, and parses its
 * stderr. It exits 0 whatever happened, so only its words count, and the caller checks even those.
 * It has its own process group: after ^C, or if we are killed, it finishes its chunk (if the
 * program ignores SIGPIPE).
 *
 * If a message kills it (by a log that cannot be removed), another postsuper continues after that
 * message, unless several in a row did nothing but die. We end it when it writes more than 256 KiB
 * and 1 KiB per ID, is silent for POSTSUPER_SILENCE, or runs for POSTSUPER_LONGEST.
 */
#pragma once

#include "mail/queue_id.h"
#include "postfix/config/instance.h"

enum postsuper_action { POSTSUPER_DELETE, POSTSUPER_HOLD, POSTSUPER_RELEASE, POSTSUPER_REQUEUE };

/* A child at work. ids and the instance must outlive it. */
struct postsuper_job {
	pid_t pid; /* -1 after it ended */
	int end;   /* readable when it ended; poll() with a timeout; -1 if the kernel has none */
	enum postsuper_action action;
	const struct queue_id *ids;
	size_t count;
	bool *said;                /* count flags: it reported this one as done; owned */
	struct strbuf complaint;   /* the last warning or fatal line, scrubbed; "" if none */
	int exit_status;           /* of the last child, after it ended; or -signal */
	int64_t started, deadline; /* steady; each ID that is done extends the deadline */
	/* Private. */
	const struct postfix *p;
	size_t first;       /* position where this child began */
	bool *skipped;      /* count flags: not given to it; owned */
	bool has_done;      /* this child did something */
	unsigned fruitless; /* children in a row that did nothing but die */
	int output;         /* its stderr */
	struct strbuf line; /* a half line */
	bool overlong;      /* the rest of this line is skipped */
	size_t heard;       /* bytes of output */
	size_t expected;    /* the likely next position in ids */
};

#define POSTSUPER_SILENCE (60 * INT64_C(1000000))  /* microseconds */
#define POSTSUPER_LONGEST (600 * INT64_C(1000000)) /* microseconds */
#define POSTSUPER_ORPHAN  (10 * INT64_C(1000000))  /* microseconds */

/* Starts `command_directory/postsuper -c DIR -d -` (or -h, -H, -r), as root. -errno with words. */
int postsuper_start(struct postsuper_job *job, const struct postfix *p,
    enum postsuper_action action, const struct queue_id *ids, size_t count,
    struct err *err) NODISCARD;
/* Call it when `end` is readable and now and then (the pipe holds words on some thousand IDs): 1 it
 * ended, all fields are final; 0 it goes on. */
int postsuper_advance(struct postsuper_job *job);
void postsuper_release(struct postsuper_job *job); /* only after it ended; zeroes */

/*
 * Waits until no postsuper holds mail any more, such as one that outlived its command: each has a
 * shared flock(2) on private in the queue directory while it lives. ERR_TIMEOUT after
 * POSTSUPER_ORPHAN, or ERR_STOPPED.
 */
int postsuper_await_orphans(const struct postfix *p, struct err *err) NODISCARD;
