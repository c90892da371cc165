/* SPDX-License-Identifier: ISC */
/* Text about blocks, for block and purge --block. */
#pragma once

#include "purge/rules/blocking.h"
#include "purge/session.h"

/* lasts: microseconds; 0 = until unblocked. */
struct block_terms block_terms_of(const struct session *s, enum rule_action action, int64_t lasts);
/* Tells doubts (block_doubt) on stderr; returns how many. */
unsigned block_doubts(const struct session *s, const struct block_plan *plan);
/* Tells on stderr what the plan does not stop: mail that passes by OK rules that outrank it, or by
 * settings of Postfix. Best effort. */
void block_tell_exceptions(const struct session *s, const struct block_plan *plan);
/* Tells that sessions which lost the milter are not covered, if the daemon started within the hour.
 */
void block_tell_sessions(FILE *to, const struct session *s);
/* Tells the result of one rule. */
void block_tell(FILE *to, const struct rule *r, const struct block_answer *answer);
/* "2026-11-24 17:40:17" or "unblocked"; returns buf. */
char *block_until(const struct rule *r, char *buf, size_t size);
