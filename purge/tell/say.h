/* SPDX-License-Identifier: ISC */
/* Text for people. All output that is neither JSON nor a table (which scrub, too) goes through
 * here, so that no stranger's text controls a terminal. */
#pragma once

#include "base/base.h"

/* A line or part of one, scrubbed as a whole (str_scrub) except for newlines at the ends of
 * format. */
void say(FILE *to, const char *format, ...) FORMAT(2, 3);
/* Prints on stderr, as "pqpurge-idx: ...", with a newline. */
void complain(const char *format, ...) FORMAT(1, 2);

/* Prints text in indented lines of at most SAY_WIDTH columns, broken at blanks. say_fold_from
 * continues a line that has reached column indent. */
#define SAY_WIDTH 80
void say_fold(FILE *to, int indent, const char *text);
void say_fold_from(FILE *to, int indent, const char *text);

#define PLURAL(n, word) ((n) == 1 ? (word) : word "s")
