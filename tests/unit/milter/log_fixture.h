/* SPDX-License-Identifier: ISC */
/* The log lines of a test. */
#ifndef PQPURGE_TESTS_MILTER_LOG_FIXTURE_H
#define PQPURGE_TESTS_MILTER_LOG_FIXTURE_H

#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <unistd.h>

/* Catches writes to stderr from here on. */
static inline int catch_log(void)
{
	int kept = dup(STDERR_FILENO), file = memfd_create("log", MFD_CLOEXEC);

	assert_true(kept >= 0 && file >= 0);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	close(file);
	return kept;
}

/* The text caught; restores stderr. */
static inline size_t caught_log(int kept, char *text, size_t size)
{
	ssize_t len = pread(STDERR_FILENO, text, size - 1, 0);

	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_true(len >= 0);
	text[len] = '\0';
	return (size_t)len;
}

#endif
