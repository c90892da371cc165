/* SPDX-License-Identifier: ISC */
/* An index of the fuzzer's own, in memory, emptied for each input. */
#ifndef PQPURGE_TESTS_INDEX_STORE_H
#define PQPURGE_TESTS_INDEX_STORE_H

#include <unistd.h>

#include "index/index_private.h"
#include "tests/fuzz/fuzz.h"

static struct index *fuzz_ix;
static char fuzz_directory[] = "/dev/shm/pqpurge-fuzz.XXXXXX";

/* The files are unlinked at once; the open ones stay usable. */
static inline struct index *fuzz_index(void)
{
	static const char *const names[] = {INDEX_FILE, INDEX_FILE "-lock", INDEX_LOCK};
	size_t messages = 0;
	struct txn txn;

	if (!fuzz_ix) {
		fuzz_require(mkdtemp(fuzz_directory) != NULL);
		fuzz_require(
		    index_open(fuzz_directory, INT64_C(8) << 20, &fuzz_ix, NULL, NULL) == 0);
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			char path[100];

			(void)snprintf(path, sizeof(path), "%s/%s", fuzz_directory, names[i]);
			(void)unlink(path);
		}
		(void)rmdir(fuzz_directory);
	}
	(void)txn_begin(fuzz_ix->store, true, &txn);
	(void)entry_prune(&txn, SIZE_MAX, &messages);
	fuzz_require(txn_commit(&txn, NULL) == 0);
	return fuzz_ix;
}

#endif
