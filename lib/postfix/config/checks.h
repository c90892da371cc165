/* SPDX-License-Identifier: ISC */
/*
 * Do lookup tables of Postfix have a certain action (header_checks), or values that do not name
 * something (smtpd_milter_maps)? Only text can be looked at: regexp and pcre tables, cidr, texthash
 * and the sources of indexed files, and what main.cf itself holds.
 */
#ifndef PQPURGE_POSTFIX_CHECKS_H
#define PQPURGE_POSTFIX_CHECKS_H

#include "postfix/config/instance.h"

/*
 * Whether the value of some line of a table's text begins with this word (any case), or, `without`,
 * does not hold it. of_patterns: a line begins with a pattern between delimiters, as in
 * regexp_table(5); else with a key. Comments, continuation lines, `if` and `endif` are read as
 * Postfix reads them.
 */
bool checks_text_has(
    const char *text, size_t len, bool of_patterns, bool without, const char *word);

/*
 * The same for a table as main.cf names it, "regexp:/etc/postfix/header_checks". The file is read
 * in a child as mail_owner, at most 4 MiB. 1, 0, or a negative code: it could not be looked at, and
 * err says why.
 */
int checks_have(const struct postfix *p, const char *table, bool without, const char *word,
    struct err *err) NODISCARD;

#endif
