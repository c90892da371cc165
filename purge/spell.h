/* SPDX-License-Identifier: ISC */
/* The nearest of several words, for suggestions after a typing error. */
#ifndef PQPURGE_PURGE_SPELL_H
#define PQPURGE_PURGE_SPELL_H

#include "base/base.h"

/* Zero-initialise; then best is the nearest candidate so far, or NULL. */
struct spell {
	const char *best;
	size_t distance;
};

/* Candidates farther from word than a third of its length (rounded up, at most 3 steps) are no
 * suggestion. */
void spell_consider(struct spell *s, const char *word, const char *candidate);

#endif
