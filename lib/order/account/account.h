/* SPDX-License-Identifier: ISC */
/* The account: what was done, by whom, with which command, as JSON lines in state_directory/log. A
 * child that is state_directory's owner writes it, locks it for each write, and syncs it. A batch
 * is
 *   {"begin":7,"time":..,"uid":0,"user":"joe","verb":"hold","command":"..","reason":"..",
 *    "selector":"..","token":"..","undoes":[..]}
 *   {"chunk":7,"part":1,"ids":"QUEUEID arrival QUEUEID arrival .."}  before postsuper gets them
 *   {"done":7,"part":1}                    the whole part was done; or only "ids"
 *   {"facts":7,"arrivals":[{"time":..,"count":..},..],"senders":[{"is":"bad.example","count":..},..],..}
 *   {"end":7,"matched":..,"done":..,"gone":..,"changed":..,"failed":..,"rules_set":..,
 *    "token":"..","undid":[..],"interrupted":true}      the last: some were not reached
 * `begin` and a chunk's IDs are on disk before the first of its messages is touched, so a killed
 * command leaves a true account. A batch is "unfinished" if it has no `end` and its command is
 * gone, or if it was interrupted. {"adopt":7,"time":..} says that a later hold continued such a
 * batch.
 *
 * Arrivals are T records, wall clock, microseconds. Queue ID and arrival are a message's identity.
 * Readers skip a last line that was cut off; the next writer completes it. Numbers are never
 * reused.
 *
 * When the file exceeds ACCOUNT_BYTES, it is written anew after a batch, and renamed. It then has
 * the newest ACCOUNT_KEEP batches, with only those IDs that a hold batch may still hold, and every
 * older hold batch with such IDs. The sums (sums.h) keep the counts of dropped batches.
 *
 * Room for a batch is reserved after the end of the file, so that a flood can be purged even after
 * it has filled the disk. Root parses only the output of a child: numbers, queue IDs, and texts,
 * which it scrubs. */
#pragma once

#include "base/settings/settings.h"
#include "base/str.h"
#include "postfix/config/instance.h"

#define ACCOUNT_BYTES (64u << 20)
#define ACCOUNT_KEEP  10000

enum account_state {
	ACCOUNT_DONE,
	ACCOUNT_UNFINISHED,
	ACCOUNT_UNDONE,
	ACCOUNT_REFUSED,
	ACCOUNT_STANDING, /* standing.h; not in the account itself */
	ACCOUNT_STATES,
};
const char *account_state_word(enum account_state state); /* "done" */

/* As `log` shows it. Texts are scrubbed and owned. */
struct batch {
	uint64_t number;
	int64_t time; /* wall clock, microseconds */
	uint64_t uid;
	char *user, *verb, *command, *reason, *selector, *token;
	enum account_state state;
	uint64_t matched, done, gone, changed, failed, rules_set;
	bool running; /* UNFINISHED: its command still runs */
};
struct batches {
	struct batch *list; /* the newest first */
	size_t count, cap;
};
/* All batches; none without state_directory or log. With postfix (may be NULL), looks in the queue
 * for messages of which a killed command never learned the result. Those that lie where the action
 * puts them count as done. */
int account_list(const struct settings *s, const struct postfix *postfix, struct batches *ret,
    struct err *err) NODISCARD;
void batches_release(struct batches *b);
void batch_release(struct batch *b);

struct json;
/* Private to lib/order: moves the members of a batch's first (begin) or last line into b. */
int batch_read(struct batch *b, const struct json *line, bool begin) NODISCARD;

/* A batch without messages, {"end":7,..,"refused":true}, with `why` as its reason. Texts may be
 * anything; they are scrubbed when shown. */
struct refusal {
	const char *verb, *command, *user, *why;
	uid_t uid;
};
int account_refusal(
    const struct settings *s, const struct refusal *refusal, struct err *err) NODISCARD;
