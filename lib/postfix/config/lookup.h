/* SPDX-License-Identifier: ISC */
/* Searches lookup tables of Postfix. Two questions: does a rule have the action REDIRECT
 * (header_checks)? Or, if `lacking` is given: does some list of milters lack that text
 * (smtpd_milter_maps)?
 *
 * Only text can be searched: regexp, pcre, cidr and texthash tables, the source files of indexed
 * tables, and tables written inside main.cf. */
#pragma once

#include "postfix/config/instance.h"

/* Handles comments, continuation lines, `if` and `endif` as Postfix does. of_patterns: each line
 * begins with a delimited pattern, as in regexp_table(5); otherwise with a key. */
bool lookup_text_has(const char *text, size_t len, bool of_patterns, const char *lacking);

/* table: "regexp:/etc/postfix/header_checks". A child with mail_owner's rights reads at most 4 MiB
 * of the file. Returns 1 found, 0 not, or a negative code with words if the table cannot be
 * read. */
int lookup_has(
    const struct postfix *p, const char *table, const char *lacking, struct err *err) NODISCARD;
