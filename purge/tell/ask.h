/* SPDX-License-Identifier: ISC */
/* Questions on the terminal. End of file, an empty line and a signal mean no. */
#pragma once

#include "base/base.h"

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_INTERRUPTED,
};

/* From now on, text typed before a question does not answer it. */
void ask_afresh(void);
/* Asks on out and reads a line from in. "y" and "yes", in any case, mean yes. */
enum answer ask_yes(int in, FILE *out, const char *question);
/* The answer must be number: for an order that deletes everything, or to many. what: "", or what is
 * counted, as " of hosts". */
enum answer ask_number(int in, FILE *out, const char *question, const char *what, uint64_t number);
