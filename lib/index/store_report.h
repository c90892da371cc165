/* SPDX-License-Identifier: ISC */
/* What the real store tells of failures and readers, apart from LMDB itself. */
#ifndef PQPURGE_INDEX_STORE_REPORT_H
#define PQPURGE_INDEX_STORE_REPORT_H

#include "base/err.h"

struct store_failure {
	int code;         /* ours */
	const char *what; /* "to write to", "to open" */
	const char *directory;
	const char *reason; /* the library's words */
	uint64_t full_map;  /* bytes of the map that is full; 0 = it is not */
};
/* Words that an admin can act on; returns the code that goes with them. */
int store_failure_words(const struct store_failure *f, struct err *err);

/* The reader whose transaction is oldest. Zero-initialise. */
struct store_reader {
	pid_t pid; /* 0 = none */
	uint64_t txnid;
};
/* Takes one line of LMDB's reader list. This process's own reader does not count. */
void store_reader_line(const char *line, struct store_reader *oldest);
/* Whether it reads a state older than the last commit. */
bool store_reader_is_behind(const struct store_reader *oldest, uint64_t last_txnid);

#endif
