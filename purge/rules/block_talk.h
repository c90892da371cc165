/* SPDX-License-Identifier: ISC */
/* Blocks in words: doubts before, sentences after, and rules that let mail through all the same.
 * Shared by block and purge --block. */
#ifndef PQPURGE_PURGE_BLOCK_TALK_H
#define PQPURGE_PURGE_BLOCK_TALK_H

#include "purge/rules/blocking.h"
#include "purge/session.h"

/* Tells on stderr what gives rise to doubt; returns how many rules do. */
unsigned block_doubts(const struct session *s, const struct block_plan *plan);
/* Tells on stderr which OK rules outrank those of the plan. Best effort: it never stands in the way
 * of a block. */
void block_tell_outranked(const struct session *s, const struct block_plan *plan);
/* What became of one rule, in sentences of at most 80 columns. */
void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer);
/* That sessions which lost the milter are not covered: the one thing that no rule can change. */
void block_tell_sessions(FILE *to);
/* "2026-11-24 17:40:17" or "unblocked"; returns buf. */
char *block_until(const struct rule *r, char *buf, size_t size);

#endif
