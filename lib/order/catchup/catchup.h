/* SPDX-License-Identifier: ISC */
/*
 * The catch-up reads what the index does not know of the queue, tells the index, and returns what
 * the selector means. A child of the caller's own role conducts it beside other work, and starts
 * children in other roles for all reading.
 *
 * 1. Ask the index for the IDs that it knows.
 * 2. Walk the names in the queue. If the directory is not the one that the index knows, missing
 *    names prove nothing; if no known ID lies there at all, that is an error.
 * 3. Read files of unknown names, files not read yet, and files on another inode (without an index
 *    all files). The selector is applied to the file, and by the index to all that it then knows.
 *    The files left to the index (counts.left_to_index) need a selection made afterwards.
 * 4. Look directly for IDs without a name. Those not found have left.
 */
#pragma once

#include "order/order.h"

/* In candidate.matched, beside enum selector_matched. */
#define FOUND_UNKNOWN (1u << 30) /* the index did not know this message, or did not answer */
#define FOUND_NOTICE  (1u << 31) /* a notice to senders that the selector means */

struct catchup_task {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector; /* NULL: nothing is selected */
	bool notices;                    /* also notices to those whom the patterns mean */
	bool indexed;                    /* ask the index, and tell it */
	bool distrusted;                 /* read again what the index says was read */
	bool proven_there;               /* known messages were there a moment ago */
	bool held;                       /* the account says that mail was held here */
	bool adopt;                      /* the index is of this directory from now on */
	bool dry_run;                    /* do not tell the index */
	const struct queue_id *ids;      /* only these files, without a walk; NULL: the queue */
	size_t id_count;
	struct queue_place place;          /* with ids: by an earlier catch-up */
	const volatile sig_atomic_t *stop; /* may be NULL */
	void (*progress)(void *arg, const char *doing, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

/* Zero-initialise; release in any case. */
struct caught {
	struct candidates found; /* matched with the bits above */
	struct sync_counts counts;
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err index_why;     /* why it is not `indexed` */
};
void caught_release(struct caught *caught);

/* Zero-initialise. */
struct catchup {
	struct role_child child;
	struct catchup_task task;
	struct catchup_progress *progress; /* shared with the child */
};
/* What task points to must last until the end. */
int catchup_start(struct catchup *c, const struct catchup_task *task, struct err *err) NODISCARD;
/* Waits for its end in any case. ERR_STOPPED; ERR_INSTANCE: the directory is not the one that
 * the index knows, and none of its messages lies there; ERR_CONFIG: a queue is missing. */
int catchup_finish(struct catchup *c, struct caught *ret, struct err *err) NODISCARD;
void catchup_end(struct catchup *c); /* at once; accepts one that was not started */
/* Start and finish. */
int catchup_run(const struct catchup_task *task, struct caught *ret, struct err *err) NODISCARD;

/* The head of every update. */
struct update catchup_update(const struct postfix *p, struct queue_place place, int64_t began);
