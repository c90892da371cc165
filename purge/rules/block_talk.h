/* SPDX-License-Identifier: ISC */
/* Blocks in words: doubts before, sentences after, and what lets mail through all the same. Shared
 * by block and purge --block. */
#ifndef PQPURGE_PURGE_BLOCK_TALK_H
#define PQPURGE_PURGE_BLOCK_TALK_H

#include "purge/rules/blocking.h"
#include "purge/session.h"

/* What the rules of this run have in common. lasts: microseconds; 0 = until unblocked. */
struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts);
/* Tells on stderr what gives rise to doubt; returns how many rules do. */
unsigned block_doubts(const struct session *s, const struct block_plan *plan);
/*
 * Tells on stderr what mail the plan does not stop: by OK rules that outrank it, by settings of
 * Postfix that lead mail past all rules. Best effort: it never stands in the way of a block.
 */
void block_tell_exceptions(const struct session *s, const struct block_plan *plan);
/* That sessions which lost the milter are not covered, where the daemon started within the hour. */
void block_tell_sessions(FILE *to, const struct session *s);
/* What became of one rule, in sentences of at most 80 columns. */
void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer);
/* "2026-11-24 17:40:17" or "unblocked"; returns buf. */
char *block_until(const struct rule *r, char *buf, size_t size);

#endif
