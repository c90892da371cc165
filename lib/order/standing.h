/* SPDX-License-Identifier: ISC */
/*
 * Orders that stay in force: `purge --for`, `hold --for`. Each catch-up carries them out again,
 * until their time is over or somebody ends them.
 *
 * They delete mail without anybody being asked again, so they lie where only root writes:
 * standing_directory, 0700, a file for each, named by the number of the batch that began it. The
 * account, which belongs to the daemon's user, tells of them and is never asked what they are.
 *
 *   {"verb":"purge","until":..,"uid":0,"user":"joe","command":"..","reason":"..",
 *    "selector":{..},"state_directory":"..","rules":["example.com"],"batches":[9,12]}
 *
 * selector as in index/control/wire.h; state_directory: of the Postfix instance whose order it is,
 * so that one that shares the directory by mistake leaves it alone; rules: the subjects of the
 * rules that the order set; batches: those in which a hold was carried out again.
 */
#pragma once

#include "order/order.h"

#define STANDING_MAX         64u   /* orders at once */
#define STANDING_BATCHES_MAX 1000u /* of one; the last so many are kept */

struct standing {
	uint64_t number; /* of its first batch */
	enum action action;
	int64_t until; /* wall microseconds */
	uid_t uid;
	char *user, *command, *reason, *state_directory;
	struct selector selector;
	struct strbuf rules; /* packed */
	uint64_t *batches;
	size_t batch_count;
};
void standing_release(struct standing *s);
struct standings {
	struct standing *list; /* by number */
	size_t count, cap;
};
void standings_release(struct standings *s);

/*
 * All that are in force at now. No directory: none. One that is not root's alone is ERR_CONFIG. A
 * file that makes no sense is passed over, and *ret_trouble (may be NULL) says so. Expired ones
 * are removed.
 */
int standing_list(const struct settings *s, int64_t now, struct standings *ret,
    struct err *ret_trouble, struct err *err) NODISCARD;
const struct standing *standing_find(const struct standings *s, uint64_t number); /* or NULL */

/*
 * Puts an order in force; its directory is made where it is missing. ERR_LIMIT past STANDING_MAX,
 * ERR_LOCKED where one of this number stands.
 */
int standing_begin(
    const struct settings *s, const struct standing *standing, struct err *err) NODISCARD;
/* Ends one: 1, or 0 where there is none. Its rules are the caller's business. */
int standing_end(const struct settings *s, uint64_t number, struct err *err) NODISCARD;

/*
 * Carries it out once more. ret as order_run's. Its batch, if there is one, has the order's user,
 * the token "standing:N", and is kept among its batches.
 */
int standing_run(const struct settings *s, const struct postfix *postfix, struct standing *standing,
    const volatile sig_atomic_t *stop, struct outcome *ret, struct err *err) NODISCARD;
