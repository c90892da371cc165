/* SPDX-License-Identifier: ISC */
/*
 * The lock of index_directory. Its file also says what may be believed of the data file, so that a
 * file of another boot or a damaged one is never opened to find out. Fields have fixed places, so
 * they can be rewritten on a full file system.
 */
#pragma once

#include "base/err.h"

#define INDEX_LOCK_BOOT 36 /* length of a boot ID */

struct index_lock {
	int fd;
	char boot[INDEX_LOCK_BOOT + 1]; /* "" unknown */
	unsigned version;
	unsigned deaths; /* openers in a row that died */
	bool in_use;     /* the owner has not closed it */
};

/* Takes the lock, creating its file (0600), and reads it. ERR_LOCKED with the owner's pid,
 * ERR_NO_INDEX if there is no directory, or -errno. */
int index_lock_take(const char *directory, struct index_lock *ret, struct err *err) NODISCARD;
/* Writes the members and our pid. Best effort. */
void index_lock_note(const struct index_lock *lock);
/* Whether directory's lock file is still this one. */
bool index_lock_is_current(const struct index_lock *lock, const char *directory);

int index_lock_boot(char ret[INDEX_LOCK_BOOT + 1]) NODISCARD;
