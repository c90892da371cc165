/* SPDX-License-Identifier: ISC */
/*
 * The catch-up: reads what lies in the queue and the index does not know, tells the index, and
 * hands back what is looked for. A child of the caller's own role conducts it, so that it can go on
 * beside other work; it starts children in other roles for all that is to be read.
 *
 * 1. The IDs that the index knows.
 * 2. A walk over the names in the queue. Where the directory is not the one that the index knows,
 *    nothing that is missing there has left; where nothing known lies there at all, that is an
 *    error.
 * 3. Files of unknown names, files that were not read yet, and files on another inode are read.
 *    The selector is applied to the file as it is read, and by the index to what it then knows of
 *    the message.
 * 4. What has no name, and is not found by a direct look either, has left.
 *
 * Without an index all files are read.
 */
#ifndef PQPURGE_ORDER_CATCHUP_H
#define PQPURGE_ORDER_CATCHUP_H

#include "order/order.h"

/* In candidate.matched, beside enum selector_matched. */
#define FOUND_UNKNOWN                                                                              \
	(1u << 30) /* the index did not know it, whatever it knew of its ID, or did not answer */
#define FOUND_NOTICE (1u << 31) /* a notice to senders that the selector means */

struct catchup_task {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector; /* NULL: nothing is looked for */
	bool notices;                    /* also notices to those whom the patterns mean */
	bool indexed;                    /* the index is asked, and told */
	bool distrusted;                 /* yet what it says was read is read again */
	bool proven_there;               /* messages that the index knew were there a moment ago */
	bool adopt;                      /* it is to stand for this directory from now on */
	bool dry_run;                    /* the index is not told */
	const struct queue_id *ids;      /* these files alone, without a walk; NULL: the queue */
	size_t id_count;
	struct queue_place place;          /* with ids: what a catch-up before gave */
	const volatile sig_atomic_t *stop; /* ends the waiting; may be NULL */
	void (*progress)(void *arg, const char *doing, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

/* What it brought. Zero-initialise; release once. */
struct caught {
	struct candidates found; /* matched with the bits above */
	struct sync_counts counts;
	struct strbuf unreadable; /* packed list: "deferred/A: Permission denied" */
	struct err index_why;     /* where not `indexed`, though asked for */
};
void caught_release(struct caught *caught);

/* Under way. Zero-initialise. */
struct catchup {
	struct role_child child;
	struct catchup_task task;
	struct catchup_progress *progress; /* shared with the child */
};
/* Starts it. What task points to must last until the end. */
int catchup_start(struct catchup *c, const struct catchup_task *task, struct err *err) NODISCARD;
/*
 * Waits for it and takes over what it brought. Whatever comes back, it has ended. ERR_STOPPED;
 * ERR_INSTANCE: the directory is not the one that the index knows, and none of its messages lies
 * there; ERR_CONFIG: a queue is missing.
 */
int catchup_finish(struct catchup *c, struct caught *ret, struct err *err) NODISCARD;
/* Ends it at once; accepts one that was not started. */
void catchup_end(struct catchup *c);

/* What every update of the index says of the queue. */
struct update catchup_update(const struct postfix *p, struct queue_place place, int64_t began);
/* client_update, encoded. */
int catchup_tell(const struct index_client *index, const struct update *update,
    const struct selector *selector, struct candidates *ret, struct index_updated *ret_updated,
    struct err *err) NODISCARD;

/* Start and finish. */
int catchup_run(const struct catchup_task *task, struct caught *ret, struct err *err) NODISCARD;

#endif
