/* SPDX-License-Identifier: ISC */
/* Standing orders (order/standing.h) in verbs. */
#pragma once

#include "order/standing.h"
#include "purge/rules/blocking.h"
#include "purge/session.h"

/* For --for of purge and hold: ERR_USAGE if the options cannot stay in force. */
int standing_check(const struct options *o, struct err *err) NODISCARD;
/* Puts the order that was carried out as batch `number` in force. plan has its rules. */
int standing_keep(const struct session *s, uint64_t number, const struct rule_list *plan,
    struct err *err) NODISCARD;

/* For sync: carries out all of them again, and reports the results. Returns an exit status. */
int standing_carry_out(const struct session *s);

/* The orders that undo ends. Zero-initialise. */
struct standing_ends {
	struct standings all;
	const struct standing **list; /* of all: to be ended */
	size_t count, cap;
};
struct batch_numbers {
	uint64_t *list;
	size_t count, cap;
};
/* Fills ret with the batches that are standing orders. A standing purge has nothing to undo, so it
 * is removed from batches; for a standing hold, its later batches are added. The caller frees
 * batches->list. */
int standing_ends_of(const struct session *s, struct batch_numbers *batches,
    struct standing_ends *ret, struct err *err) NODISCARD;
/* For a dry run. */
void standing_tell_ends(const struct standing_ends *ends, FILE *to);
/* Ends them, removes their rules, and says so. */
int standing_end_all(
    const struct session *s, const struct standing_ends *ends, FILE *to, struct err *err) NODISCARD;
void standing_ends_release(struct standing_ends *ends);
/* For an unblock: ends the orders that set the rule of this subject. */
int standing_end_of_rule(
    const struct session *s, const char *subject, FILE *to, struct err *err) NODISCARD;

/* NULL if no order set the rule. */
const struct standing *standing_of_rule(
    const struct standings *all, const char *subject, bool login_exact);
/* For verbs that only show: complains if they cannot be read. */
void standing_read(const struct session *s, struct standings *ret);
