/* SPDX-License-Identifier: ISC */
/*
 * The account: what was done, by whom, with which command, as JSON lines in state_directory/log,
 * appended and fsync'd under an flock by a child that is state_directory's owner. A batch is
 *
 *   {"begin":7,"time":..,"uid":0,"user":"joe","verb":"hold","command":"..","reason":"..",
 *    "selector":"..","token":".."}
 *   {"chunk":7,"ids":[["QUEUEID",arrival_us],...]}      before postsuper gets them
 *   {"done":7,"ids":[...]}                              those of the chunk that it did
 *   {"end":7,"state":"done","matched":..,"done":..,"gone":..,"changed":..,"failed":..,
 *    "arrivals":[[minute,count],...],"logins":[..],"clients":[..],"senders":[..],
 *    "recipients":[..],"reasons":[..]}
 *
 * so that a command that was killed leaves a true account: `begin` is on disk before the first
 * message is touched. A batch without `end` whose command is gone is "unfinished". Past
 * ACCOUNT_BYTES the file is rewritten beside and renamed: the newest ACCOUNT_KEEP batches, and
 * every hold batch that may still hold something, stay.
 */
#ifndef PQPURGE_ORDER_ACCOUNT_H
#define PQPURGE_ORDER_ACCOUNT_H

#include "base/settings.h"
#include "base/str.h"
#include "mail/queue_id.h"

#define ACCOUNT_BYTES (64u << 20)
#define ACCOUNT_KEEP  10000

enum account_state { ACCOUNT_DONE, ACCOUNT_UNFINISHED, ACCOUNT_UNDONE, ACCOUNT_STANDING };
const char *account_state_word(enum account_state state); /* "done" */

/* A batch as `log` tells it. Texts are scrubbed and owned. */
struct batch {
	uint64_t number;
	int64_t time;    /* wall microseconds */
	int64_t expires; /* STANDING (--for): until when; 0 */
	uint32_t uid;
	char *user, *verb, *command, *reason, *selector, *token;
	enum account_state state;
	uint64_t matched, done, gone, changed, failed;
	uint32_t rules_set;
	bool running; /* without end, and its command still lives */
};
struct batches {
	struct batch *list; /* the newest first */
	size_t count;
};
int account_list(const struct settings *s, struct batches *ret, struct err *err) NODISCARD;
void batches_release(struct batches *b);

/* What a report is made of later, gathered before anything is deleted. */
struct account_facts; /* opaque; account_facts.c */

/* One batch being written. Opened by account_begin; ended once. */
struct account {
	const struct settings *settings;
	uint64_t number; /* 0: no account is kept (dry run) */
};
struct account_entry {
	struct queue_id queue_id;
	int64_t arrival_time; /* T record: the identity for undo */
};

#endif
