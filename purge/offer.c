/* SPDX-License-Identifier: ISC */
#include "purge/offer.h"

static const char *const bytes_of[] = {
    [OFFER_NAME] = "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-",
    [OFFER_NUMBER] = "0123456789",
};

bool offer_fits(enum offer_kind kind, const char *word)
{
	return word[0] && word[0] != '-' && !word[strspn(word, bytes_of[kind])];
}
