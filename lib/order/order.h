/* SPDX-License-Identifier: ISC */
/*
 * The walk that every verb takes: select, prove, act, look again. Its result is a value; text and JSON are made from it elsewhere.
 * It needs no terminal and asks nobody.
 *
 *   order_select   candidates from the index (a child, its owner), nothing opened afterwards
 *   order_prove    each candidate against its queue file (children, mail_owner); drops what arrival, size, queue or
 *                  --limit exclude; after it every item has a result: RESULT_READY, or why not
 *   order_act      in chunks: prove again, so that a proof is never older than one chunk, hand to postsuper, look
 *                  twice at what it said; then again for what was still arriving
 *   order_account  tells the writer what left and keeps the account
 */
#ifndef PQPURGE_ORDER_ORDER_H
#define PQPURGE_ORDER_ORDER_H

#include <signal.h>

#include "base/settings.h"
#include "index/client.h"
#include "index/select.h"
#include "postfix/postsuper.h"
#include "postfix/spool.h"

enum action { ACTION_LIST, ACTION_DELETE, ACTION_HOLD, ACTION_RELEASE };

enum result {
	RESULT_NONE,      /* not looked at yet */
	RESULT_READY,     /* proven; would be acted on */
	RESULT_DONE,      /* deleted, held, released, as the action says */
	RESULT_GONE,
	RESULT_CHANGED,
	RESULT_UNPROVEN,
	RESULT_FAILED,
	RESULT_UNTOUCHED, /* interrupted before its turn */
	RESULT_EXCLUDED,  /* not meant after all: arrival, size, queue or --limit */
};

struct item {
	const struct candidate *candidate;
	struct proof proof; /* the last look */
	enum result result;
	bool was_active;    /* lay in active when acted on: a running delivery may finish */
	uint32_t other_recipients;
	const char *reason; /* FAILED: why; static or owned by the outcome */
};

struct tally {
	uint64_t matched; /* meant and in the queue, or tried: done + failed + changed + unproven + untouched (ready on a dry run) */
	uint64_t by_envelope, by_from_only;
	uint64_t results[RESULT_EXCLUDED + 1];
	uint64_t bytes;          /* of what is ready or done */
	uint64_t shared;         /* messages with other recipients */
	uint64_t other_recipients;
	uint64_t damaged;        /* index rows that could not be read */
	uint64_t unindexed;      /* complete messages in the queue that the index does not know */
	uint64_t unindexed_maildrop, unindexed_arriving;
	bool unindexed_known;    /* false: could not be counted */
	uint64_t batch;          /* 0: no account was kept (dry run, nothing matched, or the index cannot be written) */
};

struct order {
	const struct settings *settings;
	const struct postfix *postfix;
	const struct selector *selector;
	enum action action;
	bool dry_run;
	size_t limit; /* the oldest so many; 0 = all */
	const char *verb, *command_line, *reason; /* for the account */
	const volatile sig_atomic_t *stop; /* set by SIGINT or SIGTERM: no new chunk is begun */
	void (*progress)(void *arg, size_t done, size_t of); /* may be NULL */
	void *progress_arg;
};

struct outcome {
	struct candidates candidates;
	struct item *items;
	size_t count;
	struct tally tally;
	bool interrupted;
	bool accounted;      /* the writer was told */
	struct err trouble;  /* what went wrong beside the items (the account, the count); "" if nothing */
	struct spool_walk *walk; /* the count of what the index does not know, under way */
	struct strbuf words; /* memory of reasons */
};

int order_select(const struct order *order, struct outcome *ret, struct err *err) NODISCARD;
int order_prove(const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;
int order_act(const struct order *order, struct outcome *outcome, struct err *err) NODISCARD;
/* Counts what the index does not know (order_act starts the walk; this finishes or, on other verbs, does it all). */
void order_count_unindexed(const struct order *order, struct outcome *outcome);
/* Never fails: what it could not do is in outcome->trouble and accounted stays false. */
void order_account(const struct order *order, struct outcome *outcome);
void outcome_release(struct outcome *outcome);

/* "deleted", "held", "released" for DONE by action; "would-delete" ... for READY; "gone", "changed", ... */
const char *result_word(enum result result, enum action action);

#endif
