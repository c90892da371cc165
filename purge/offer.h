/* SPDX-License-Identifier: ISC */
/* Which words completion may offer to a shell. Strangers choose most names in the index, and root's
 * shell puts the offer into the command line, so only words that mean nothing to any shell,
 * terminal or option parser pass. */
#pragma once

#include "base/base.h"

enum offer_kind {
	OFFER_NAME,   /* ASCII letters, digits, '.', '_', '-' */
	OFFER_NUMBER, /* ASCII digits */
};

/* Whether every byte is of the kind, whatever the locale. False for "" and words that begin with
 * '-'. */
bool offer_fits(enum offer_kind kind, const char *word);
