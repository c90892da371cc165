/* SPDX-License-Identifier: ISC */
/* Included by every fuzz target: libFuzzer's entry point, and an assertion that every build
 * keeps. */
#ifndef PQPURGE_TESTS_FUZZ_H
#define PQPURGE_TESTS_FUZZ_H

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_require(condition)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
