/* SPDX-License-Identifier: ISC */
/* PCRE2 with options and limits that make it safe to match a stranger's address with an admin's
 * expression. Only for pattern.h. A compiled expression is immutable, and threads share it. */
#pragma once

#include "base/err.h"

struct pattern_regex;

/* ERR_SYNTAX with PCRE2's words and the position. */
int regex_new(const char *text, size_t len, bool caseless, struct pattern_regex **ret,
    struct err *err) NODISCARD;
void regex_free(struct pattern_regex *r);
/* Returns 1, 0, ERR_LIMIT if a limit ended the search, or -ENOMEM. */
int regex_match(const struct pattern_regex *r, const char *subject, size_t len) NODISCARD;
/* The beginning of a longer subject: 1 if it matches however it continues, 0 if that is not
 * certain. */
int regex_match_start(const struct pattern_regex *r, const char *subject, size_t len) NODISCARD;
