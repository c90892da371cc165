/* SPDX-License-Identifier: ISC */
/*
 * postsuper(1), driven: argv only, `-c` with the instance, IDs from a sealed memory file as its stdin (one a line), its stderr
 * parsed per ID. It exits 0 whatever happened, so only its words count. It runs in its own process group, so that
 * a ^C at the terminal ends a chunk in order.
 */
#ifndef PQPURGE_POSTFIX_POSTSUPER_H
#define PQPURGE_POSTFIX_POSTSUPER_H

#include "mail/queue_id.h"
#include "postfix/instance.h"

enum postsuper_action { POSTSUPER_DELETE, POSTSUPER_HOLD, POSTSUPER_RELEASE, POSTSUPER_REQUEUE };

/* One child at work on a chunk of IDs. The IDs' array must outlive it. */
struct postsuper_job {
	pid_t pid;
	int output; /* its stderr; for poll() */
	enum postsuper_action action;
	const struct queue_id *ids;
	size_t count;
	bool *said; /* count flags: postsuper said that it did this one; owned */
	int64_t deadline; /* steady; moved on whenever it says something */
	struct strbuf line; /* a half line */
	struct strbuf complaint; /* the last warning or fatal line, scrubbed; "" if none */
	int exit_status; /* after it ended: 0.., or -signal */
};

#define POSTSUPER_SILENCE (60 * INT64_C(1000000)) /* microseconds without a word before it is ended */

/* Starts `command_directory/postsuper -c DIR -d -` (or -h, -H, -r). Must be root. -ENOENT, -EACCES or fork errors with words. */
int postsuper_start(struct postsuper_job *job, const struct postfix *p, enum postsuper_action action, const struct queue_id *ids,
    size_t count, struct err *err) NODISCARD;
/* Call when output is readable or time went by: 1 it ended (all fields final), 0 it goes on. Ends it past its deadline. */
int postsuper_advance(struct postsuper_job *job);
void postsuper_release(struct postsuper_job *job); /* only after it ended */

#endif
