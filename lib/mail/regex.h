/* SPDX-License-Identifier: ISC */
/*
 * Expressions for addresses: PCRE2 with the options and limits that make it safe to run what an
 * admin wrote on what strangers sent (regex.c is the only file that includes <pcre2.h>). For
 * mail/pattern; nobody else needs it. A compiled expression is immutable and shared by threads.
 */
#ifndef PQPURGE_MAIL_REGEX_H
#define PQPURGE_MAIL_REGEX_H

#include "base/err.h"

struct pattern_regex;

/* Compiles len bytes. ERR_SYNTAX with PCRE2's words and the place, or -ENOMEM. */
int regex_new(const char *text, size_t len, bool caseless, struct pattern_regex **ret,
    struct err *err) NODISCARD;
void regex_free(struct pattern_regex *r);

/* 1 matches, 0 does not, ERR_LIMIT where a limit ended the search, -ENOMEM. */
int regex_match(const struct pattern_regex *r, const char *subject, size_t len) NODISCARD;

#endif
