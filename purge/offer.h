/* SPDX-License-Identifier: ISC */
/*
 * Which words completion may offer to a shell. Strangers choose senders, header From, logins and
 * so most names in the index, and root's shell puts what is offered into the command line. So only
 * words that mean nothing to any shell, terminal or option parser pass. No side effects.
 */
#ifndef PQPURGE_PURGE_OFFER_H
#define PQPURGE_PURGE_OFFER_H

#include "base/base.h"

enum offer_kind {
	OFFER_NAME,   /* domains, rule patterns, logins: ASCII letters, digits, '.', '_', '-' */
	OFFER_NUMBER, /* batches: ASCII digits */
};

/*
 * Whether word may be offered. Every byte must be of the kind, whatever the locale. The empty word
 * and words that begin with '-', which would be options, may not.
 */
bool offer_fits(enum offer_kind kind, const char *word);

#endif
