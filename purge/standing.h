/* SPDX-License-Identifier: ISC */
/* Standing orders (order/standing.h) as verbs see them: begun, carried out again, ended, told. */
#pragma once

#include "order/standing.h"
#include "purge/rules/blocking.h"
#include "purge/session.h"

/* --for of purge and hold: ERR_USAGE where the options cannot stay in force. */
int standing_check(const struct options *o, struct err *err) NODISCARD;
/* Puts what was just carried out as batch `number` in force; plan has the rules that were set. */
int standing_keep(const struct session *s, uint64_t number, const struct block_plan *plan,
    struct err *err) NODISCARD;

/* For sync: carries all of them out again, and tells what was done. An exit status. */
int standing_carry_out(const struct session *s);

/* What undo ends. Zero-initialise. */
struct standing_ends {
	struct standings all;
	uint64_t *numbers; /* to be ended */
	size_t count;
};
/*
 * Of the batches those that stand are to be ended. Of a purge nothing is left to undo, so it is
 * taken out of *batches; the later batches of a hold are added. *batches is malloc'd, and replaced.
 */
int standing_ends_of(const struct session *s, uint64_t **batches, size_t *count,
    struct standing_ends *ret, struct err *err) NODISCARD;
/* Says that it would end them. */
void standing_tell_ends(const struct standing_ends *ends, FILE *to);
/* Ends them, removes their rules, and says so. */
int standing_end_all(
    const struct session *s, const struct standing_ends *ends, FILE *to, struct err *err) NODISCARD;
void standing_ends_release(struct standing_ends *ends);
/* Ends those that set the rule of this subject, which was removed. */
int standing_end_of_rule(
    const struct session *s, const char *subject, FILE *to, struct err *err) NODISCARD;

/* The order that set the rule of this subject, or NULL. */
const struct standing *standing_of_rule(
    const struct standings *all, const char *subject, bool login_exact);
/* All of them, for verbs that show: complains where they cannot be read. */
void standing_read(const struct session *s, struct standings *ret);
