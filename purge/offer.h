/* SPDX-License-Identifier: ISC */
/* The words that completion may offer. Strangers choose most names in the index, and root's shell
 * puts the word into the command line, so only words that mean nothing special to any shell,
 * terminal or option parser pass. */
#pragma once

#include "base/base.h"

enum offer_kind {
	OFFER_NAME,   /* ASCII letters, digits, '.', '_', '-' */
	OFFER_NUMBER, /* ASCII digits */
};

/* Works in any locale. False for "" and for a word that begins with '-'. */
bool offer_fits(enum offer_kind kind, const char *word);
