/* SPDX-License-Identifier: ISC */
/*
 * The lock of index_directory, and what its file says of the index beside it: who has it, which
 * boot and record version it is of, whether its owner closed it, and how many died opening it. All
 * of that stands outside the data file, so that a file of another boot or a damaged one is never
 * opened to be asked; and at fixed places, so that a full file system does not keep it from being
 * written.
 */
#ifndef PQPURGE_INDEX_INDEX_LOCK_H
#define PQPURGE_INDEX_INDEX_LOCK_H

#include "base/err.h"

#define INDEX_LOCK_BOOT 36 /* bytes of a boot's id */

struct index_lock {
	int fd;
	char boot[INDEX_LOCK_BOOT + 1]; /* "" unknown */
	unsigned version;
	unsigned deaths; /* openers in a row that did not come to an end */
	bool in_use;     /* its owner did not close it (yet) */
};

/*
 * Takes the lock of directory, making its file (0600) where it is missing, and reads what it says.
 * ERR_LOCKED with the pid that has it, ERR_NO_INDEX where there is no such directory, or -errno.
 */
int index_lock_take(const char *directory, struct index_lock *ret, struct err *err) NODISCARD;
/* Writes what the members say, and this process's pid. Best effort. */
void index_lock_note(const struct index_lock *lock);
/* Whether directory's lock file still is this one. */
bool index_lock_is_current(const struct index_lock *lock, const char *directory);
void index_lock_release(struct index_lock *lock);

/* This boot's id: 0 or -errno. */
int index_lock_boot(char ret[INDEX_LOCK_BOOT + 1]) NODISCARD;

#endif
