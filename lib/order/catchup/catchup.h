/* SPDX-License-Identifier: ISC */
/* The catch-up reads what the index does not know about the queue, tells the index, and returns the
 * messages that the selector matches. A child with the caller's own role runs it in the background,
 * and starts children in other roles for all reading.
 *
 * 1. Ask the index for the IDs that it knows.
 * 2. Walk the names in the queue. If the index knows another directory, a missing name proves
 *    nothing; if no known ID is here at all, that is an error.
 * 3. Read the files of unknown names, files not read yet, and files on another inode (without an
 *    index, all files). The selector is matched with the file, and by the index with everything
 *    that it then knows. Files left to the index (counts.left_to_index) need a selection made
 *    afterwards.
 * 4. Look directly for IDs that were not found. Those still not found have left. */
#pragma once

#include "order/order.h"

/* Of candidate.matched, beside enum selector_matched. */
#define FOUND_UNKNOWN (1u << 30) /* the index did not know this message, or did not answer */
#define FOUND_NOTICE  (1u << 31) /* a notice to senders that the selector matches */

struct catchup_task {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector; /* NULL: nothing is selected */
	bool notices;                    /* also notices to senders that the patterns match */
	bool indexed;                    /* ask the index, and tell it */
	bool distrusted;                 /* read again the files that the index says were read */
	bool proven_there;               /* known messages were there a moment ago */
	bool held;                       /* the account says that mail was held here */
	bool adopt;                      /* the index belongs to this directory from now on */
	bool dry_run;                    /* do not tell the index */
	const struct queue_id *ids;      /* only these files, without a walk; NULL: the queue */
	size_t id_count;
	struct queue_place place;          /* with ids: from an earlier catch-up */
	const volatile sig_atomic_t *stop; /* may be NULL */
	void (*progress)(void *arg, const char *doing, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

/* Release in any case. */
struct caught {
	struct candidates found; /* matched has the bits above */
	struct sync_counts counts;
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err index_why;     /* why counts.indexed is false */
	bool by_daemon;           /* sync_run: a daemon answers */
};
void caught_release(struct caught *caught);

struct catchup {
	struct role_child child;
	struct catchup_task task;
	struct catchup_progress *progress; /* shared with the child */
};
/* What task points to must last until the end. */
int catchup_start(struct catchup *c, const struct catchup_task *task, struct err *err) NODISCARD;
/* Waits for the end in any case. Returns 0, ERR_STOPPED, ERR_INSTANCE if the index knows another
 * directory and none of its messages lies in this one, ERR_CONFIG if a queue is missing, or another
 * code. */
int catchup_finish(struct catchup *c, struct caught *ret, struct err *err) NODISCARD;
void catchup_end(struct catchup *c); /* kills it; accepts one that was not started */
int catchup_run(const struct catchup_task *task, struct caught *ret, struct err *err) NODISCARD;

/* A catch-up alone, for `sync` and the timer, of which the caller sets settings, postfix, dry_run,
 * stop and progress. The index adopts the directory. ERR_NO_INDEX if it could not be told. */
int sync_run(const struct catchup_task *task, struct caught *ret, struct err *err) NODISCARD;

/* The head of every update. */
struct update catchup_update(const struct postfix *p, struct queue_place place, int64_t began);
