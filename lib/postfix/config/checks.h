/* SPDX-License-Identifier: ISC */
/*
 * Two questions about lookup tables of Postfix: does a rule have the action REDIRECT
 * (header_checks), and, with `lacking`, is there a list of milters in which that does not occur
 * (smtpd_milter_maps)? Only text can be looked at: regexp and pcre tables, cidr, texthash and the
 * sources of indexed files, and what main.cf itself holds.
 */
#ifndef PQPURGE_POSTFIX_CHECKS_H
#define PQPURGE_POSTFIX_CHECKS_H

#include "postfix/config/instance.h"

/*
 * For a table's text. of_patterns: a line begins with a pattern between delimiters, as in
 * regexp_table(5); else with a key. Comments, continuation lines, `if` and `endif` are read as
 * Postfix reads them.
 */
bool checks_text_has(const char *text, size_t len, bool of_patterns, const char *lacking);

/*
 * For a table as main.cf names it, "regexp:/etc/postfix/header_checks". The file is read in a child
 * as mail_owner, at most 4 MiB. 1, 0, or a negative code: it could not be looked at, and err says
 * why.
 */
int checks_have(
    const struct postfix *p, const char *table, const char *lacking, struct err *err) NODISCARD;

#endif
