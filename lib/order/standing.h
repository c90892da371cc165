/* SPDX-License-Identifier: ISC */
/* Orders that stay in force: `purge --for`, `hold --for`. Each catch-up carries them out again,
 * until they expire or somebody ends them.
 *
 * They delete mail without a question. So they lie where only root can write: in
 * standing_directory, mode 0700, one file for each order, named by the number of its first batch.
 * The account, which belongs to the daemon's user, mentions them, but is never asked for their
 * content.
 *   {"verb":"purge","until":..,"uid":0,"user":"joe","command":"..","reason":"..",
 *    "selector":{..},"state_directory":"..","rules":["example.com"],"batches":[9,12]}
 * selector: as in index/control/wire.h. state_directory: that of the Postfix instance for which the
 * order was given; another instance that shares the directory by mistake ignores the order. rules:
 * the subjects of the rules that the order set. batches: those in which a hold was carried out
 * again. */
#pragma once

#include "base/array.h"
#include "order/order.h"

#define STANDING_MAX         64    /* in force at a time */
#define STANDING_BATCHES_MAX 1000u /* of one order; the last ones are kept */

struct standing {
	uint64_t number; /* of its first batch */
	enum action action;
	int64_t until; /* wall clock, microseconds */
	uid_t uid;
	char *user, *command, *reason, *state_directory;
	struct selector selector;
	struct strbuf rules; /* packed list */
	ARRAY_OF(uint64_t) batches;
};

struct standings {
	struct standing *list; /* by number */
	size_t count, cap;
};
void standings_release(struct standings *s);

/* All orders in force at now; none if the directory is missing. ERR_CONFIG if not only root can
 * write there. Skips a malformed file, and *ret_trouble (may be NULL) says so. Removes expired
 * orders. */
int standing_list(const struct settings *s, int64_t now, struct standings *ret,
    struct err *ret_trouble, struct err *err) NODISCARD;
/* NULL if there is none */
const struct standing *standing_find(const struct standings *s, uint64_t number);

/* Makes the directory if it is missing. ERR_LIMIT past STANDING_MAX, ERR_LOCKED if an order with
 * this number is in force, or another code. */
int standing_begin(
    const struct settings *s, const struct standing *standing, struct err *err) NODISCARD;
/* Returns 1, or 0 if there is none. The caller removes its rules. */
int standing_end(const struct settings *s, uint64_t number, struct err *err) NODISCARD;

/* Carries the order out once more. Returns as order_run does. The batch, if any, has the order's
 * user and the token "standing:N", and is added to its batches. */
int standing_run(const struct settings *s, const struct postfix *postfix, struct standing *standing,
    const volatile sig_atomic_t *stop, struct outcome *ret, struct err *err) NODISCARD;
