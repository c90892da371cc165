/* SPDX-License-Identifier: ISC */
/*
 * Asks lookup tables of Postfix: does a rule have the action REDIRECT (header_checks), or with
 * `lacking`: is there a list of milters without that text (smtpd_milter_maps)? Searches only text:
 * regexp, pcre, cidr and texthash tables, sources of indexed files, and tables inside main.cf.
 */
#pragma once

#include "postfix/config/instance.h"

/* Searches a table's text, reading comments, continuation lines, `if` and `endif` as Postfix does.
 * of_patterns: lines begin with a delimited pattern, as in regexp_table(5); else with a key. */
bool lookup_text_has(const char *text, size_t len, bool of_patterns, const char *lacking);

/* Searches a table by its name in main.cf, "regexp:/etc/postfix/header_checks". A child that is
 * mail_owner reads the file, at most 4 MiB. 1, 0, or a negative code with words: unreadable. */
int lookup_has(
    const struct postfix *p, const char *table, const char *lacking, struct err *err) NODISCARD;
