/* SPDX-License-Identifier: ISC */
/*
 * Text for people. Whatever pqpurge-idx prints, beside JSON and tables (which scrub likewise), goes
 * through these functions, so that no text of a stranger's drives a terminal.
 */
#ifndef PQPURGE_PURGE_SAY_H
#define PQPURGE_PURGE_SAY_H

#include <stdarg.h>

#include "base/base.h"

/*
 * Prints one line, or a part of one: what the format makes is scrubbed as a whole (str_scrub), but
 * for newlines at both ends of the format itself.
 */
void say(FILE *to, const char *format, ...) FORMAT(2, 3);
void say_list(FILE *to, const char *format, va_list values) FORMAT(2, 0);
/* On stderr, as "pqpurge-idx: ...", with a newline. */
void complain(const char *format, ...) FORMAT(1, 2);

/*
 * Prints text in lines of at most SAY_WIDTH columns, broken at blanks where it has some, each
 * indented. say_fold_from: the first line is begun already and stands at column indent.
 */
#define SAY_WIDTH 80
void say_fold(FILE *to, int indent, const char *text);
void say_fold_from(FILE *to, int indent, const char *text);

/* "message" for one, "messages" for another number. */
#define PLURAL(n, word) ((n) == 1 ? word : word "s")

#endif
