/* SPDX-License-Identifier: ISC */
/*
 * The account: what was done, by whom, with which command, as JSON lines in state_directory/log. A
 * child that is state_directory's owner writes it, under a lock for each write, and syncs it. A
 * batch is
 *
 *   {"begin":7,"time":..,"uid":0,"user":"joe","verb":"hold","command":"..","reason":"..",
 *    "selector":"..","token":"..","undoes":[..]}
 *   {"chunk":7,"part":1,"ids":"QUEUEID arrival QUEUEID arrival .."}  before postsuper gets them
 *   {"done":7,"part":1}                    it did the whole part; or those of "ids"
 *   {"facts":7,"arrivals":[{"time":..,"count":..},..],"senders":[{"is":"bad.example","count":..},..],..}
 *   {"end":7,"matched":..,"done":..,"gone":..,"changed":..,"failed":..,"rules_set":..,
 *    "token":"..","undid":[..],"interrupted":true}      the last: something was not reached
 *
 * `begin` and a chunk's IDs are on disk before the first of its messages is touched, so a killed
 * command leaves a true account. A batch without `end` whose command is gone is
 * "unfinished", and so is one that was interrupted.
 * {"adopt":7,"time":..} stands where a hold went on with such a batch.
 *
 * Arrivals are T records in wall microseconds; with the queue ID they are a message's identity.
 * Readers skip a last line that was cut off; the next writer ends it. Numbers are never used again.
 * Past ACCOUNT_BYTES the file is written anew after a batch, and renamed: the newest ACCOUNT_KEEP
 * batches stay, of their IDs only those that a hold batch may still hold, and every hold batch that
 * has such. What was dropped stays in the sums (sums/sums.h).
 *
 * Room for a batch is reserved behind the end of the file, so that a flood can be purged after it
 * has filled the disk. Root parses only what a child hands over: numbers, queue IDs, and texts,
 * which it scrubs.
 */
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
	ACCOUNT_STANDING, /* standing.h; the account itself does not say so */
	ACCOUNT_STATES,
};
const char *account_state_word(enum account_state state); /* "done" */

/* A batch as `log` tells it. Texts are scrubbed and owned. */
struct batch {
	uint64_t number;
	int64_t time; /* wall microseconds */
	uint64_t uid;
	char *user, *verb, *command, *reason, *selector, *token;
	enum account_state state;
	uint64_t matched, done, gone, changed, failed, rules_set;
	bool running; /* UNFINISHED: its command still lives */
};
struct batches {
	struct batch *list; /* the newest first */
	size_t count, cap;
};
/* No state_directory or log: no batches. postfix (may be NULL): looks in the queue for messages of
 * which a killed command never learned the result; if the effect shows, they count as done. */
int account_list(const struct settings *s, const struct postfix *postfix, struct batches *ret,
    struct err *err) NODISCARD;
void batches_release(struct batches *b);
void batch_release(struct batch *b);

struct json;
/* Private to lib/order: takes over what a line says of a batch, its first (begin) or last. */
int batch_read(struct batch *b, const struct json *line, bool begin) NODISCARD;

/*
 * An order that was refused, as a batch without messages: {"end":7,..,"refused":true}; why stands
 * as its reason. Texts may be any; they are scrubbed where they are shown.
 */
struct refusal {
	const char *verb, *command, *user, *why;
	uid_t uid;
};
int account_refusal(
    const struct settings *s, const struct refusal *refusal, struct err *err) NODISCARD;
