/* SPDX-License-Identifier: ISC */
/* The question on the terminal. Only a clear yes is a yes: end of file, an empty line and a signal
 * are none. */
#ifndef PQPURGE_PURGE_ASK_H
#define PQPURGE_PURGE_ASK_H

#include "base/base.h"

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_INTERRUPTED, /* a signal came */
};

/* Prints question and " [y/N] " to out and reads one line from in: "y" or "yes", any case, is a
 * yes. */
enum answer ask_yes(int in, FILE *out, const char *question);
/* The same, but the answer must be the number itself: for what deletes everything. */
enum answer ask_number(int in, FILE *out, const char *question, uint64_t number);

#endif
