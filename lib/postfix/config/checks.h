/* SPDX-License-Identifier: ISC */
/*
 * Do lookup tables of Postfix (header_checks, smtpd_milter_maps) have a certain action? Only text
 * can be looked at: regexp and pcre tables, cidr, texthash and the sources of indexed files, and
 * what main.cf itself holds.
 */
#ifndef PQPURGE_POSTFIX_CHECKS_H
#define PQPURGE_POSTFIX_CHECKS_H

#include "postfix/config/instance.h"

/*
 * Whether some line of a table's text has this action (any case). of_patterns: a line begins with a
 * pattern between delimiters, as in regexp_table(5); else with a word. Comments, continuation
 * lines, `if` and `endif` are read as Postfix reads them.
 */
bool checks_text_has(const char *text, size_t len, bool of_patterns, const char *action);

/*
 * The same for a table as main.cf names it, "regexp:/etc/postfix/header_checks". The file is read
 * in a child as mail_owner, at most 4 MiB. 1, 0, or a negative code: it could not be looked at, and
 * err says why.
 */
int checks_have(
    const struct postfix *p, const char *table, const char *action, struct err *err) NODISCARD;

#endif
