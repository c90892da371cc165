/* SPDX-License-Identifier: ISC */
/* Reads a batch's selection back from the account, to see what is left of it. */
#pragma once

#include "purge/session.h"

/*
 * Makes the session's selector from these words. --older and --newer count from the time then.
 * *ret_words (malloc'd) must outlive the options. The daemon can write the account, so it gets no
 * more than the order door takes from strangers: options that select, and no expression.
 * ERR_REFUSED with words that follow "this is not known: ".
 */
int reselect(struct session *s, const char *selected, int64_t then, char **ret_words,
    struct err *err) NODISCARD;
