/* SPDX-License-Identifier: ISC */
/* A batch's selection, as the account has it in words, for a look at what is left. */
#pragma once

#include "purge/session.h"

/*
 * Makes the session's selector of these words, as of then: --older and --newer count from that
 * time. *ret_words (malloc'd) must outlive the options. The account is the daemon's, so only what
 * the order door takes from strangers is taken: options that select, and no expression. ERR_REFUSED
 * with words that follow "this is not known: ".
 */
int reselect(struct session *s, const char *selected, int64_t then, char **ret_words,
    struct err *err) NODISCARD;
