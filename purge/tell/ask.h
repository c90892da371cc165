/* SPDX-License-Identifier: ISC */
/* Questions on the terminal. End of file, an empty line and a signal are no. */
#pragma once

#include "base/base.h"

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_INTERRUPTED,
};

/* From now on what was typed before a question is no answer to it. */
void ask_afresh(void);
/* Prints question to out and reads a line from in: "y" or "yes", any case, is yes. */
enum answer ask_yes(int in, FILE *out, const char *question);
/* The same, but the answer must be number: for what deletes everything. */
enum answer ask_number(int in, FILE *out, const char *question, uint64_t number);
/* Likewise, for what is done on many hosts. */
enum answer ask_hosts(int in, FILE *out, const char *question, uint64_t hosts);
