/* SPDX-License-Identifier: ISC */
#pragma once

#include "purge/session.h"

/* Reads a batch's selection back from the account, into the session's selector. --older and --newer
 * count from the time then. *ret_words (malloc'd) must outlive the options. The daemon can write
 * the account, so it gets no more than the order door takes from strangers: options that select,
 * and no expression. ERR_REFUSED with words. */
int reselect(struct session *s, const char *selected, int64_t then, char **ret_words,
    struct err *err) NODISCARD;
