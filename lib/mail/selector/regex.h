/* SPDX-License-Identifier: ISC */
/* PCRE2 with options and limits that make it safe to run an admin's expression on a stranger's
 * address. For mail/pattern alone. A compiled expression is immutable and shared by threads. */
#pragma once

#include "base/err.h"

struct pattern_regex;

/* ERR_SYNTAX with PCRE2's words and the place, or -ENOMEM. */
int regex_new(const char *text, size_t len, bool caseless, struct pattern_regex **ret,
    struct err *err) NODISCARD;
void regex_free(struct pattern_regex *r);
/* 1, 0, ERR_LIMIT if a limit ended the search, or -ENOMEM. */
int regex_match(const struct pattern_regex *r, const char *subject, size_t len) NODISCARD;
/* The same for the start of a longer subject: 1 if it matches whatever follows; 0: it may not. */
int regex_match_start(const struct pattern_regex *r, const char *subject, size_t len) NODISCARD;
