/* SPDX-License-Identifier: ISC */
/*
 * The walk that every verb takes: select, prove, act, look again. Its result is a value; text and
 * JSON are made from it elsewhere. It needs no terminal and asks nobody.
 *
 * order_select: candidates from the index (a child, its owner), nothing opened afterwards.
 *
 * order_prove: each candidate against its queue file (children, mail_owner); drops what arrival,
 * size, queue or --limit exclude; after it every item has a result: RESULT_READY, or why not.
 *
 * order_act: in chunks: prove again, so that a proof is never older than what is at work, at most
 * 4000 messages, though the command was stopped meanwhile; hand to postsuper; look twice at what it
 * said; then again for what was still arriving. Where no look can be had, what it said counts, and
 * trouble says so.
 *
 * order_account: tells the writer what left and keeps the account.
 *
 * order_act proves what order_prove has not seen, so a caller with no --limit and nobody to show a
 * preview to may leave order_prove out.
 */
#ifndef PQPURGE_ORDER_ORDER_H
#define PQPURGE_ORDER_ORDER_H

#include <signal.h>

#include "base/settings.h"
#include "index/client.h"
#include "index/rows/select.h"
#include "order/scan.h"
#include "postfix/spool/arrival.h"
#include "postfix/spool/spool.h"
#include "postfix/tool/postsuper.h"

enum action { ACTION_LIST, ACTION_DELETE, ACTION_HOLD, ACTION_RELEASE };

enum result {
	RESULT_NONE,      /* not looked at yet */
	RESULT_READY,     /* proven; would be acted on */
	RESULT_DONE,      /* deleted, held, released, as the action says */
	RESULT_GONE,      /* in no queue, and not by us */
	RESULT_CHANGED,   /* the ID names another message */
	RESULT_UNPROVEN,  /* perhaps another message, or one whose sender is meant too */
	RESULT_FAILED,    /* still there; `reason` */
	RESULT_UNTOUCHED, /* interrupted before its turn */
	RESULT_EXCLUDED,  /* not meant after all: arrival, size, queue, --limit, or there is nothing
			     to do:  already held, or to be released and not held */
};

struct item {
	const struct candidate *candidate;
	struct proof
	    proof; /* the last look; of what was deleted or has left, the last one at the file */
	enum result result;
	bool was_active; /* lay in active when acted on: a running delivery may finish */
	bool idle;       /* EXCLUDED: meant, but in hold already, or for a release not in it */
	uint32_t other_recipients;
	const char *reason;            /* FAILED: why; static or owned by the outcome */
	const struct scanned *scanned; /* read from its queue file; NULL: from the index */
};

struct tally {
	/* Meant and in the queue, or tried: ready, done, changed, unproven, failed, untouched. */
	uint64_t matched;
	uint64_t by_envelope, by_from_only; /* of these */
	uint64_t results[RESULT_EXCLUDED + 1];
	uint64_t bytes;  /* of what is ready or done */
	uint64_t shared; /* messages of these with other recipients */
	uint64_t other_recipients;
	uint64_t damaged;   /* index rows that could not be read */
	uint64_t unindexed; /* complete messages in the queue that the index does not know */
	uint64_t unindexed_maildrop, unindexed_arriving; /* not in `unindexed` */
	uint64_t scanned;        /* of what is ready or done: read from queue files */
	uint64_t bounces;        /* of these: notices that order.bounces asked for */
	bool unindexed_known;    /* false: could not be counted */
	int64_t unindexed_as_of; /* the last sync's count, of then (wall microseconds); 0 = it is
				    of now */
	uint64_t batch; /* 0: no account was kept (dry run, nothing matched, or the index cannot be
			   written) */
};

struct save;

struct order {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector;
	enum action action;
	bool dry_run;
	bool scan;    /* also what is not in the index, read from queue files */
	bool bounces; /* also this host's bounces and delay notices to what the patterns mean */
	const struct save *save; /* DELETE: where each message is written first (save.h); or NULL */
	bool requeue;            /* RELEASE: as new mail, with a new queue ID */
	size_t limit;            /* the oldest so many; 0 = all */
	const char *verb, *command_line, *reason; /* for the account; NULL as "" */
	const char *user;   /* likewise: who asked, by name; NULL: the uid stands for it */
	uint32_t rules_set; /* likewise: rules that the same command set */
	const volatile sig_atomic_t
	    *stop; /* set by SIGINT or SIGTERM: no new chunk is begun; may be NULL */
	void (*progress)(void *arg, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

struct outcome {
	struct candidates candidates;
	struct item *items; /* one for each candidate, in sequence order; scanned ones first */
	struct scan *scan;  /* what scanned items view; NULL without a scan */
	size_t count;
	struct tally tally;
	bool interrupted; /* something is RESULT_UNTOUCHED */
	bool accounted;   /* the writer was told, or there was nothing to tell */
	struct err
	    trouble; /* what went wrong beside the items (the account, the count); "" if nothing */
	struct role_child counting; /* what the index does not know is being counted */
	/* When what the index does not know arrived; where it is much, a sample. Owned. */
	struct arrival *unseen;
	size_t unseen_count;
	char **words; /* memory of reasons */
	size_t word_count;
};

/* Fills a zeroed outcome. Errors are index_select's; the outcome is empty then. */
int order_select(const struct order *order, struct outcome *ret, struct err *err) NODISCARD;
/*
 * Proves every item that is RESULT_NONE and applies what only the queue file knows. An error (no
 * child could be started, the queue cannot be read) leaves the rest RESULT_NONE.
 */
int order_prove(const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;
/*
 * Acts on every item that is RESULT_READY or RESULT_NONE (on a dry run only proves these). Must be
 * root. An error is returned only where nothing was begun; later ones make items RESULT_FAILED.
 * Returns with no child left but outcome->counting.
 */
int order_act(const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;
/* Nobody goes on with it: what is neither decided nor done was not touched, and is counted so. */
void order_leave(struct outcome *outcome);
/*
 * Begins to count what the index does not know, in a child, unless that is under way. order_act
 * does so beside its first deletion; with order->scan or bounces it does not, since what is deleted
 * would be counted.
 */
void order_count_begin(const struct order *order, struct outcome *outcome);
/*
 * Waits (microseconds; 0 = as long as it takes) for that count, which it begins where nobody did.
 * False: it is not done, and goes on. Call it before order_account, which drops rows. It never
 * fails: tally.unindexed_known stays false and trouble says why.
 */
bool order_count_unindexed(const struct order *order, struct outcome *outcome, int64_t wait);
void order_count_end(struct outcome *outcome); /* gives a count up that is under way */
/*
 * Drops the rows of what was deleted or is gone and writes one batch, where anything matched or was
 * gone; nothing on a dry run or for ACTION_LIST. Never fails: what it could not do is in
 * outcome->trouble and accounted stays false.
 */
void order_account(const struct order *order, struct outcome *outcome);
void outcome_release(struct outcome *outcome); /* zeroes; ends a walk that is under way */

/* "deleted", "held", "released" for DONE by action; "would-delete" ... for READY; "gone",
 * "changed", ... */
const char *result_word(enum result result, enum action action);

#endif
