/* SPDX-License-Identifier: ISC */
/* The lock of index_directory. The lock file also says whether the data file may be opened: a file
 * of another boot, or one at which openers died, must not even be opened to find out. Its fields
 * have fixed places, so they can be rewritten on a full file system. */
#pragma once

#include "base/err.h"

#define INDEX_LOCK_BOOT 36 /* length of a boot ID */

struct index_lock {
	int fd;
	char boot[INDEX_LOCK_BOOT + 1]; /* "": unknown */
	unsigned version;
	unsigned deaths; /* openers in a row that died */
	/* Of the data file when it was closed (data_file.h); 0: unknown, as while it is open. */
	uint64_t sum;
};

/* Takes the lock and reads its file, which is created with mode 0600 if missing. Returns 0,
 * ERR_LOCKED with the owner's pid, ERR_NO_INDEX if there is no directory, or -errno. */
int index_lock_take(const char *directory, struct index_lock *ret, struct err *err) NODISCARD;
/* Writes the members and our pid to the file. Failures are ignored. */
void index_lock_note(const struct index_lock *lock);
/* Whether the lock file in directory is still the one that we hold. */
bool index_lock_is_current(const struct index_lock *lock, const char *directory);

int index_lock_boot(char ret[INDEX_LOCK_BOOT + 1]) NODISCARD;
