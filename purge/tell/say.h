/* SPDX-License-Identifier: ISC */
/* Text for people. All that pqpurge-idx prints, beside JSON and tables (which scrub, too), passes
 * here, so that no stranger's text drives a terminal. */
#pragma once

#include "base/base.h"

/* Prints a line or part of one, scrubbed as a whole (str_scrub) but for newlines at both ends of
 * format. */
void say(FILE *to, const char *format, ...) FORMAT(2, 3);
/* On stderr, as "pqpurge-idx: ...", with a newline. */
void complain(const char *format, ...) FORMAT(1, 2);

/* Prints text in indented lines of at most SAY_WIDTH columns, broken at blanks. say_fold_from: the
 * first line is begun already, at column indent. */
#define SAY_WIDTH 80
void say_fold(FILE *to, int indent, const char *text);
void say_fold_from(FILE *to, int indent, const char *text);

#define PLURAL(n, word) ((n) == 1 ? (word) : word "s")
